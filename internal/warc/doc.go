// Package warc reads and writes the records of WARC 1.1 files and the lines of their CDXJ
// indexes.
//
// An exchange is a recorded page, and an [Encoder] makes records of it. A capture is the line
// of an index that says where a record is. [Originals] are responses that later ones can refer
// to instead of repeating the payload. An [Excerpt] copies records of a file into another one.
// A [Stored] is a record that was read back, and a [Derived] file has records made from those.
package warc
