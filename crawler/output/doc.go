// Package output knows where the output of a crawl lies, and reads it there: in
// a folder, or in a bucket of S3, Google Cloud Storage or Azure, or of a service
// that speaks as one of them does.
//
// A [Location] is such a place. It lists the files of an output, opens them as
// they are or decompressed, and calls back for each of their lines; and it takes
// in whole files, each under its final name or not at all. A segment is a file of
// records. Behind the name of one that is still written stands [Growing], and
// everything in it is whole but its end.
package output
