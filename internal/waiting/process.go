package waiting

import (
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
)

// Process is a process of a fleet that showed a sign of life in the last few seconds.
type Process struct {
	// Kind is [KindScheduler] or [KindWorker].
	Kind ProcessKind `json:"kind"`
	// ID is unique to the process, even among processes with the same name over time.
	ID string `json:"id"`
	// Name is the name of a worker, as in its records; for a scheduler, its machine.
	Name string `json:"name"`
	// Version is the version of Trawl that it runs. Empty: it did not tell.
	Version string `json:"version,omitempty"`
	// Jobs lists the jobs that it runs, including the runs of periodic ones. Empty: all.
	Jobs []string `json:"jobs,omitempty"`
	// Handlers lists the sets of handlers that a worker has. Empty: none.
	Handlers []string `json:"handlers,omitempty"`
	// Browser says that a worker can render pages.
	Browser bool `json:"browser,omitempty"`
	// Closed says that a worker connects only to what its own operator allowed, and not to
	// what was allowed for a single job ([queue.Opened]).
	Closed bool `json:"closed,omitempty"`
	// Silent says that the process should have shown another sign of life: it was killed, or
	// its machine is very busy. After some more seconds it is not listed any more.
	Silent bool `json:"-"`
}

// Member is a live process of a fleet with its last report.
type Member struct {
	Process
	// Seen is when it last showed a sign of life, by Redis's clock.
	Seen time.Time `json:"seen"`
	// Places is how many visits a worker carries out at once, and Taken how many of these
	// places are in use. Both are 0 for a scheduler, and for a worker that has not reported
	// them in the last three seconds.
	Places int `json:"places"`
	Taken  int `json:"taken"`
	// Memory is how many bytes a worker has of its system, and PagesPerSecond how many pages it
	// settled lately. Both are 0 likewise.
	Memory         int64   `json:"memory"`
	PagesPerSecond float64 `json:"pages_per_second"`
	// Serving lists the jobs that a worker serves now.
	Serving []string `json:"serving,omitempty"`
	// Spent is what the visits of each job spent their time on within the last Within,
	// which is some fifteen seconds.
	Spent  map[string]activity.Spent `json:"-"`
	Within time.Duration             `json:"-"`
}

// ProcessKind is the role of a process in its fleet.
type ProcessKind string

// The kinds of processes.
const (
	KindScheduler ProcessKind = "scheduler"
	KindWorker    ProcessKind = "worker"
)

// Serves reports whether the process is configured to run a job.
func (p Process) Serves(job crawler.Status) bool {
	return len(p.Jobs) == 0 || slices.Contains(p.Jobs, job.Job.Name) || job.RunOf != "" &&
		slices.Contains(p.Jobs, job.RunOf)
}

// Able reports whether a worker has what a job needs: its handlers, and a browser if it renders
// pages.
func (p Process) Able(job crawler.Job) bool {
	return p.HasAll(job.Handlers) && (p.Browser || !job.Renders())
}

// HasAll reports whether a worker has all of these sets of handlers.
func (p Process) HasAll(handlers []string) bool {
	return !slices.ContainsFunc(handlers, func(name string) bool { return !slices.Contains(p.Handlers, name) })
}
