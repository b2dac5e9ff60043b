// Package validators remembers what servers said about the content of pages, so that a later
// fetch can ask whether it has changed (RFC 9110, 13).
//
// A [Line] is what is remembered of one page: its validators, the record that has its content, and
// what its links were, so that they can be followed without the content. Lines are kept in the
// output of a crawl, by the sink of that name. A [Builder] reads the lines and the records of
// earlier outputs, and makes an [Index] of them for a worker: on disk, in bounded memory. The
// index only has pages whose record was read, so that no record refers to one that is not there.
//
// Redis has nothing of this, and a job that does not ask for it pays nothing.
package validators
