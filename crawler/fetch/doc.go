// Package fetch makes one HTTP request under limits of time, size, memory and
// address, and tells what came back.
//
// A [Fetcher] asks for one URL at a time and follows nothing: redirects are for
// its caller. What the web does, be it a refused connection, a lapsed
// certificate or a bomb, comes back in a [crawler.Page]; an error is only ever
// our own trouble.
//
// The guard refuses addresses that are not of the public internet when a
// connection is made, after the name was resolved, so that no name can lead
// around it. The deadline bounds a request, and stands still while the request
// waits for our own memory. The source is the body as it comes off the wire; a
// decoder removes one content coding from it; the keeper holds what comes out:
// a head in memory, the rest in a file. Where a request is to be recorded, a tap
// on its connection lets a tape take down the octets of the exchange, as they go
// over the wire.
package fetch
