// Package output reads and writes the output of a crawl in a folder or in a bucket.
//
// A [Driver] opens the buckets of a service. The drivers for S3, folders and memory are
// built in; other packages [Register] more. A [Location] is a folder, or a place in a
// bucket. It lists the files of an output, opens them raw or decompressed, and calls a
// function for each of their lines. It also stores whole files, each under its final name
// or not at all. A segment is a file of records. The name of a segment that is still
// being written ends in [Growing]; everything in it is whole except for its end.
package output
