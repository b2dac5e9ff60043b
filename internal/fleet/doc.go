// Package fleet puts the processes of a fleet together, for the command line and
// for programs that bring handlers: what each process stands on (a Backing, a
// Door), and what it does (a Worker, a scheduler).
//
// A Backing is the Redis that all lies in: that of the fleet, a private server,
// or the built-in one. A Door is a process's way to it, with its log and metrics.
// A Worker has a Workshop, which all its jobs share, and in it a Station for each
// job that runs, whose results go to an Output. Where one process is a whole fleet
// (package localcrawl), its Worker is a Local one, and its Scheduler tells it at once
// what is decided.
package fleet
