// Package localcrawl crawls one job with a whole fleet in one process: for trawl crawl,
// trawl fetch and trawl.Crawl.
//
// A Runner has the Redis (that of a fleet, a private server, or the built-in one), a
// scheduler and a worker. [Open] opens or starts the Redis, and creates the job or finds it
// where an earlier run stopped: the [Plan] says which. [Runner.Run] crawls until the job has
// ended. What the next run must know lies in a Folder, in .trawl beside the results: a
// [Note] of the job, the files of a private Redis, and what waits for a bucket.
package localcrawl
