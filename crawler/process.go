package crawler

import "slices"

// Process is a process of a fleet that showed a sign of life a few seconds ago.
type Process struct {
	// Kind is [KindScheduler] or [KindWorker].
	Kind ProcessKind `json:"kind"`
	// ID tells the process apart from every other, also from an earlier one of its name.
	ID string `json:"id"`
	// Name is the name of a worker, as in its records; of a scheduler, its machine.
	Name string `json:"name"`
	// Jobs are those that it serves, with the runs of those that are periodic. Empty: all.
	Jobs []string `json:"jobs,omitempty"`
	// Handlers are the sets of handlers that a worker has. Empty: none.
	Handlers []string `json:"handlers,omitempty"`
	// Closed says that a worker connects to what its own operator opened, and to
	// nothing that is opened for a job alone ([Opened]).
	Closed bool `json:"closed,omitempty"`
}

// ProcessKind is what a process does for its fleet.
type ProcessKind string

// The kinds of processes.
const (
	KindScheduler ProcessKind = "scheduler"
	KindWorker    ProcessKind = "worker"
)

// Serves reports whether the process is meant to serve a job.
func (p Process) Serves(job Status) bool {
	return len(p.Jobs) == 0 || slices.Contains(p.Jobs, job.Job.Name) || job.RunOf != "" && slices.Contains(p.Jobs, job.RunOf)
}

// HasAll reports whether a worker has all of these sets of handlers.
func (p Process) HasAll(handlers []string) bool {
	return !slices.ContainsFunc(handlers, func(name string) bool { return !slices.Contains(p.Handlers, name) })
}
