// Package simulate runs a fleet in virtual time, with faults, and checks what a fleet
// promises. Everything that happens in a run follows from a seed: a seed that fails once
// fails again, in the same way.
//
// The scheduler (scheduler.Runner), the visits (visit.Visitor), the robots.txt rules
// (internal/robots) and the frontier with its Lua scripts, on the built-in Redis, are
// real. asynq, the web, the disks and the network between all of them are imitations.
//
// - A world is generated from a seed: hosts and their pages, jobs, machines, and the
// faults that happen to them. - A process is a scheduler, a worker, or an operator at a
// command line. It can be killed, stalled, or cut off from Redis. - An interaction is
// anything that a process does and others can notice: a command to Redis, a request to a
// host, a batch of records for a disk, a task for asynq. The arbiter must allow each. It
// lets one happen at a time, after a delay, and decides which are lost. - The trace has a
// line for each interaction and each fault. Two runs of a seed have the same trace. - An
// invariant must hold whatever happens. A violation ends the run.
//
// A run takes place in a bubble of [testing/synctest], whose clock moves only when all
// goroutines wait. The arbiter waits for that moment and sorts the interactions that were
// asked for, so the result does not depend on the order in which goroutines ran.
package simulate
