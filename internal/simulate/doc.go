// Package simulate runs a fleet in virtual time, with faults, and checks what a
// fleet promises. Everything that happens in a run follows from a seed: a seed
// that fails, fails again, in the same way.
//
// Real are the scheduler (scheduler.Bureau), the visits (crawler.Visitor), the
// rules of robots.txt (crawler/robots), and the frontier with its Lua, on the
// built-in Redis. Imitated are asynq, the web, the disks and the network between
// all of them.
//
//   - A world is what a seed makes: hosts and their pages, jobs, machines, and the
//     faults that happen to them.
//   - A process is a scheduler, a worker, or an operator at a command line. It can
//     be killed, stalled, or cut off from Redis.
//   - An interaction is whatever a process does that others can notice: a command
//     to Redis, a request to a host, a batch of records for a disk, a task for
//     asynq. Each has to be allowed by the arbiter, who lets one happen at a time,
//     after a time on the way, and decides which are lost.
//   - The trace is a line for each interaction and each fault. Two runs of a seed
//     have the same trace.
//   - An invariant is what must hold whatever happens. A violation ends the run.
//
// A run lives in a bubble of [testing/synctest], whose clock moves only when all
// goroutines wait. The arbiter waits for that moment, sorts the interactions that
// were asked for, and so does not depend on the order in which goroutines ran.
package simulate
