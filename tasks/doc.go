// Package tasks is the wire to asynq: the types and payloads of tasks, the
// client that enqueues them, and the server in which a worker receives them.
//
// The unit of work is a visit to a host ([TypeFetch]). Each job has a queue of
// its own, named after the job, so that asynq's web UI shows each crawl as a
// row. A visit's task carries the host and the epoch that the frontier gave it:
// a task that is delivered twice, or late, finds that its epoch was overtaken
// and does nothing. So nothing depends on asynq's own recovery of tasks, which
// takes a minute or two; the frontier's sweep takes seconds.
//
// For programs, [Client] is the door to a fleet. All of it in ten lines, with
// errors left out:
//
//	fleet, err := tasks.Open(ctx, "redis://localhost:6379/0")
//	job := crawler.DefaultJob()
//	job.Name, job.Depth = "news", 2
//	err = fleet.Create(ctx, job)                           // a scheduler lets it run
//	seeding, err := fleet.Seed(ctx, job.Name, lines, nil)  // admitted, seen, refused and why
//	err = fleet.Pause(ctx, job.Name)                       // Resume, Cancel
//	status, err := fleet.Wait(ctx, job.Name)               // until it has ended
//	numbers, err := fleet.Counters(ctx, job.Name)          // pages, outcomes, bytes, hosts
//	err = fleet.Remove(ctx, job.Name)                      // all but the results
//	err = fleet.Close()
//
// A program that knows asynq alone seeds a job with a task of [TypeSeed], which
// [NewSeedTask] makes, or which is written as JSON in any language:
// {"job": "news", "urls": ["https://example.com/"]}. Seeds have a priority where one is
// given: "priority": "urgent" in the task, or
// crawler.Prioritized(lines, crawler.PriorityUrgent) for a list.
package tasks
