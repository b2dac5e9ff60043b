// Package sink writes the output of a crawl.
//
// A [JSONL] writes records, one per line, to numbered segments in a folder. A [Files]
// writes bodies as files under safe names, and their records to a manifest. A [WARC]
// writes exchanges as they went over the wire, to WARC 1.1 files with an index. A
// [Parquet] writes tables of pages, errors and links. A [Links] writes the link graph as
// lines. A [Markdown] writes the main content of each page as a file. A [Stream] writes
// records to a pipe or a terminal. [Open] creates sinks from the names of their formats,
// and [All] combines several into one.
//
// When Keep returns nil, the operating system has the records: killing the process loses
// none of them. A power failure may lose the records of the last second, and bodies that
// the system had not yet written to disk. When Keep fails, the cause is local, such as a
// full disk or a missing permission; the error names the path and what to do, and no
// partial record remains. The exception is a Stream, which cannot take back what it
// wrote. Until it is closed, every sink is safe for concurrent use.
//
// A segment is one file of whole batches. A batch is the lines of one Keep; it is written with one
// call and, if compressed, compressed by itself. The name of a segment ends in ".open" while it is
// being written, so files without that ending contain only whole records. A coding is how batches
// are compressed. An intake is a file of lines that tables are later made from, and a table is a
// Parquet file that is being written row by row. An archive is a WARC file that is being written,
// with the journal of its index. A name is the path of a body below the folder, and the nameIndex
// remembers which URL each name belongs to.
//
// Many files: each format has a file of its own, and so has each thing that formats share. What
// differs between systems is in two.
package sink
