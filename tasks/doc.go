// Package tasks connects Trawl to asynq: it has the types and payloads of tasks, the client
// that enqueues them, and the server with which a worker receives them.
//
// The unit of work is a visit to a host ([TypeFetch]). Each job has its own queue, named
// after the job, so that asynq's web UI shows a row for each crawl. A visit's task carries
// the host and the epoch that the frontier assigned. A task that is delivered twice, or
// late, finds that its epoch is outdated and does nothing. So nothing depends on asynq's
// own recovery of tasks, which takes a minute or two; the frontier's sweep takes seconds.
//
// [Client] controls the jobs of a fleet, for the command line and the dashboard; programs
// use trawl.Client, which stands on it.
//
// A program that knows only asynq can seed a job with a task of [TypeSeed]. [NewSeedTask]
// makes one; in other languages, write it as JSON: {"job": "news", "urls":
// ["https://example.com/"]}. To give the URLs a priority, add "priority": "urgent" to the
// task, or use seedfile.Prioritized(lines, crawler.PriorityUrgent) for a list.
package tasks
