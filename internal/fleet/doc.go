// Package fleet assembles the processes of a fleet, for the command line and for programs
// with handlers: the parts that each process needs (a Backend, a Connection), and its role
// (a Worker, a Scheduler).
//
// A Backend is the Redis that holds everything: the fleet's own, a private server, or the
// built-in one. A Connection connects a process to it, with its log and metrics. A Worker
// has a Runtime, which all its jobs share, and a JobWorker for each running job, whose
// results go to an Output. If one process is a whole fleet (package localcrawl), its Worker
// has a Local configuration, and its Scheduler tells the Worker at once what it decides.
//
// Many files: each duty of a process besides its visits has a file, such as adopting the files of a
// killed worker, or opening an output again.
package fleet
