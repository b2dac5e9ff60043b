// Package export reads what crawls have written, and writes it again in the form
// that somebody wants to have it in: once each page, as it was last.
//
// A [Crawl] is an output: a folder with the segments that its workers wrote, of
// which [Find] finds the one that a user names. A [Record] is one line of it. A
// survey is a first pass over all segments, after which it is known which record
// is the last of its URL; everything else goes by it. A [Condition] says which
// records are wanted, a [Field] is a value that a record has, and a [Writer]
// writes records in one form, to a [Draft]: a file or a folder that has its name
// only when it is whole. A [Diff] tells what became of the pages between two
// crawls.
//
// A survey takes some 50 bytes of memory for each URL, and everything else is read
// and written as it comes.
package export
