// Package queue has the words in which the frontier and a visit talk about URLs.
//
// An [Entry] is a URL in the frontier, with how it was found and how often it was tried;
// [Entry.Pack] and [UnpackEntry] are its form in Redis. A [VisitRef] names a visit to a
// host. A visit gets its entries as [Taken], reports them back as [Settlement], and closes
// with a [Rest] or an [Ending]. [Skipped] is a URL that was found and is not fetched, with
// the reason.
//
// The package has types and their encodings only. internal/frontier keeps the queues,
// internal/visit works through them.
package queue
