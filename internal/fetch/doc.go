// Package fetch makes one HTTP request, with limits on time, size, memory and addresses,
// and reports the answer.
//
// A [Fetcher] requests one URL at a time. It does not follow redirects; that is up to its
// caller. Whatever the remote side does, such as a refused connection, an expired
// certificate or a decompression bomb, is reported in a [fetched.Page]. An error is always
// internal.
//
// The guard refuses addresses that are not on the public internet. It judges them when a
// connection is made, after the name was resolved, so that no name can evade it. The
// deadline bounds a request, and is paused while the request waits for local memory. The
// source is the body as it is received; a decoder removes one content coding from it; the
// keeper stores the result, the head in memory and the rest in a file. To record a request,
// a tap on its connection passes the exact bytes of the exchange to a recorder. Above the
// tap, a repairer fixes slightly malformed answers so that net/http can read them, as other
// clients do.
package fetch
