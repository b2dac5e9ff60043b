// Package tasks is the wire to asynq: the types and payloads of tasks, the
// client that enqueues them, and the server in which a worker receives them.
//
// The unit of work is a visit to a host ([TypeFetch]). Each job has a queue of
// its own, named after the job, so that asynq's web UI shows each crawl as a
// row. A visit's task carries the host and the epoch that the frontier gave it:
// a task that is delivered twice, or late, finds that its epoch was overtaken
// and does nothing. So nothing depends on asynq's own recovery of tasks, which
// takes a minute or two; the frontier's sweep takes seconds.
package tasks
