// Package export reads the output of crawls and writes it in other forms, with the last
// record of each page.
//
// A [Crawl] is an output: a folder with the segments that its workers wrote. [Find] finds
// the one that a user names. A [Record] is one line of it. A survey is a first pass over
// all segments that determines which record of each URL is the last; later passes use
// only those. A [Condition] selects records, a [Field] is a value of a record, and a
// [Writer] writes records in one form to a draft: a file or folder that gets its name
// only when it is complete. [Diff] determines how the pages changed between two crawls.
//
// A survey takes about 50 bytes of memory for each URL. Everything else is streamed.
//
// Many files: each form has a file of its own, and so has each step on the way to it.
package export
