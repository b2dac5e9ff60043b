// Package warctest reads WARC files for tests: strictly, and without any of the code that wrote
// them.
//
// An [Archive] is the files of a folder; a [Record] is one of their records, with the HTTP message
// in its block. [Rules] are the checks of WARC 1.1, under the names of the conformance data.
// [Readers] runs readers that others wrote.
package warctest
