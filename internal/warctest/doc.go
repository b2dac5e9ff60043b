// Package warctest reads what was written as WARC, for tests: strictly, and with
// nothing of the code that wrote it.
//
// An [Archive] is the files of a folder; a [Record] one record of them, with the
// HTTP message in its block. [Rules] are the checks of WARC 1.1, by the names of
// the conformance data. [Readers] asks readers that others wrote.
package warctest
