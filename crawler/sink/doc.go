// Package sink is where pages come to rest.
//
// A [JSONL] keeps records, one line each, in numbered segments in a folder; a
// [Files] keeps bodies as files under safe names, and their records in a
// manifest; a [WARC] keeps exchanges as they went over the wire, in files of WARC
// 1.1 with an index; a [Parquet] keeps tables of pages, errors and links, a
// [Links] the link graph as lines, a [Markdown] a file of what each page is about;
// a [Stream] writes records to a pipe or a terminal. [Open] makes sinks from the
// names of their formats, and [All] makes several into one.
//
// When Keep returns nil, the records are with the operating system: a SIGKILL
// of the process loses none of them. A loss of power may lose the records of the
// last second, and bodies that the system had not put on disk by then. When Keep
// fails, the trouble is our own (a full disk, a missing permission), the error
// names the path and what to do, and no half of a record stays behind, but for a
// Stream, which can take nothing back. Every sink may be used by many goroutines
// at once, until it is closed.
//
// A segment is one file of whole batches. A batch is the lines of one Keep,
// compressed by itself if at all, and written with one call. While a segment is
// written its name ends in ".open": whoever looks at the others finds whole
// records. A coding is how batches are compressed. An exchange is a recorded page;
// a press makes records of it. An intake is lines of which tables are to be made,
// and a table is a Parquet file that is being written, row by row. An archive is a
// WARC file that is being written, with the journal of its index, whose lines are
// captures. Originals are responses that later ones can refer to, instead of
// holding the same again. A name is a body's path beneath the folder, and the
// register remembers which URL each name belongs to.
package sink
