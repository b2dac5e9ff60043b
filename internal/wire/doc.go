// Package wire carries visits over asynq, from a scheduler to the workers of a fleet, and the events
// of jobs to those who want them.
//
// A [Dispatcher] enqueues each [Visit] into the queue of its job, in a task of [TypeFetch], and says
// how many visits the fleet can run. If many are due, a task is a tour: it has several visits, which
// begin at the same time. A [Server] is the worker's end: it receives the tasks of a queue and
// passes visits to a [Handler]. [Places] decide when it asks for more.
//
// The dispatcher also passes on the events of jobs, as tasks of [TypeEvent], which [ServeEvents]
// delivers to webhooks.
//
// A task carries the host and the epoch that the frontier assigned to each visit. A task that is
// delivered twice, or late, finds that its epoch is outdated and does nothing. So nothing depends
// on asynq's own recovery of tasks, which takes a minute or two; the frontier's sweep takes
// seconds.
package wire
