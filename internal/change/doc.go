// Package change says what came of a page between two looks at it.
//
// A [State] is how one look found a URL. [Classify] compares two of them and returns a [Class]:
// everything that tells of changes uses it, so that a comparison of two crawls, the runs of a
// periodic job and a job that fetches pages again mean the same by "changed". A [Page] is one
// change, as it is shown. [Text] is what differs between two texts.
package change
