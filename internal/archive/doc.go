// Package archive reads web archives: folders of WARC files with CDXJ indexes, as crawls
// write them, and WACZ files, which other programs may have written.
//
// An [Archive] has the index in memory. A [Capture] is a response in it, and says where its
// record is. A [Response] is that record, read: the response as the server sent it, without
// its codings. What an archive contains comes from strangers: nothing in it names a file
// outside the archive, sizes are bounded, and damage is an error that wraps [ErrDamaged].
package archive
