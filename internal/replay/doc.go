// Package replay shows a web archive in a browser, and says what of its pages is missing.
//
// A [Server] answers with captures whose references were rewritten, so that they lead to
// other captures. It speaks Memento (RFC 7089) and the API of CDX servers. Archived pages
// are hostile: the server's Content-Security-Policy keeps them from making requests to
// other origins, and, unless it is asked to, from running scripts. A [Sample] is a check of some
// pages: whether the archive has what a browser needs to show them.
package replay
