// Package validators remembers what servers said about the content of pages, so that a later
// fetch can ask whether it has changed (RFC 9110, 13).
//
// A [Line] is what is remembered of one page: its validators, the record that has its content, and
// what its links were, so that they can be followed without the content. Lines are kept in the
// output of a crawl, by the sink of that name. A [Builder] reads the lines and the records of
// earlier outputs, and makes an [Index] of them for a worker, on disk and in bounded memory. The
// index has only pages whose record was read, so that no record refers to a missing one.
//
// None of this is in Redis, and a job that does not use it pays nothing for it.
package validators
