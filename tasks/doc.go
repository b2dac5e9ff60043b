// Package tasks has what programs enqueue into asynq for Trawl, and the client that controls
// the jobs of a fleet.
//
// The unit of work is a visit to a host, which is a task "crawl:fetch". Each job has its own
// queue, named after the job, so that asynq's web UI shows a row for each crawl. Only Trawl's
// schedulers enqueue visits.
//
// [Client] controls the jobs of a fleet, for the command line and the dashboard; programs
// use trawl.Client, which stands on it.
//
// A program that knows only asynq can seed a job with a task of [TypeSeed]. [NewSeedTask]
// makes one; in other languages, write it as JSON: {"job": "news", "urls":
// ["https://example.com/"]}. To give the URLs a priority, add "priority": "urgent" to the
// task.
package tasks
