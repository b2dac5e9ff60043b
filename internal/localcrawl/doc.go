// Package localcrawl crawls one job with a whole fleet in one process. It is used by trawl
// crawl, trawl fetch and trawl.Crawl.
//
// A Runner has a Redis (a fleet's, a private server, or the built-in one), a scheduler and
// a worker. [Open] opens or starts the Redis, and creates the job or finds it where an
// earlier run stopped; the [Plan] says which. [Runner.Run] crawls until the job has ended.
// What the next run must know is in a Folder, in .trawl next to the results: a [Note] about
// the job, the files of a private Redis, and results that wait for a bucket.
package localcrawl
