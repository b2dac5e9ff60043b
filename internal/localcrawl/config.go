package localcrawl

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/tasks"
)

// Config configures what to crawl, and how.
type Config struct {
	// Job contains the seeds that define its scope; none if the seeds are read from a list.
	// The job is crawled once, whatever its schedule.
	Job crawler.Job
	// Restart forgets an earlier crawl of the job and sets its results aside.
	Restart bool
	// Redis is the URL of a Redis that others may use too. Default: a private one.
	Redis string

	// Folder holds the state of the crawl, in .trawl, and the results unless they go to a
	// bucket. Default none: then the crawl cannot be continued later, and its job is removed
	// from a shared Redis at its end.
	Folder string
	// Temp is for files that are not needed after the run. Default: in the folder.
	Temp string
	// Out is where the results go.
	Out Out

	// Spill configures how waiting URLs are moved out of Redis when its memory runs low. By default they
	// are moved to a folder next to the state.
	Spill fleet.SpillConfig

	// Fetch configures what connections may reach. The hosts of the job's seeds are allowed.
	Fetch fetch.Config
	// Own says that other workers would fetch other pages, because they lack this process's
	// logins, headers, proxies, certificate authorities or name servers. Then this process
	// crawls alone.
	Own bool
	// Concurrency is the most hosts visited at once; at least 1.
	Concurrency int
	// Name of the worker, in records and file names. Default: the machine's name, followed
	// by the process ID if others may write to the same folder.
	Name string
	// Process is the name of this process in the fleet. It must be unique.
	Process string
	// Browser is as in [fleet.WorkerConfig].
	Browser string
	// Handlers returns the program's handlers, which may use the client. Default none.
	Handlers func(*tasks.Client) fleet.Handlers
	// HandlerTime and HandlerPlaces are as in [fleet.WorkerConfig].
	HandlerTime   time.Duration
	HandlerPlaces int
	// Grace and KeepPause are as in [fleet.WorkerConfig].
	Grace, KeepPause time.Duration

	// Words are the user's terms for what errors mention.
	Words Words
	// Hear are callbacks.
	Hear Hear
	// Kill cancels requests under way once it is closed. Default never.
	Kill <-chan struct{}
	// Log receives what an operator may want to know. It is required.
	Log *slog.Logger
}

// Out configures where the results of a crawl go.
type Out struct {
	// OutletConfig configures a folder or a bucket. By default its spool is next to the
	// state.
	fleet.OutletConfig
	// Sink receives the results instead. Closing the Runner closes it.
	Sink sink.Sink
	// PerJob says that each job has its own folder in the place, as in a fleet, with files
	// named after the worker. Otherwise the results of the one job are in the place itself.
	PerJob bool
}

// Words are the user's terms for settings, such as --out.
type Words struct {
	Out, Restart, Job, Redis string
	// Budget is that of the memory of Redis, and Spill the place for URLs that do not fit.
	Budget, Spill string
	// Again says that the same call resumes the crawl: "the same command resumes the crawl".
	Again string
}

// Hear are callbacks of a crawl. None may be nil. Several goroutines may call them at once.
type Hear struct {
	// Visit is called after each visit.
	Visit func(queue.Report)
	// Waits is called with the reason when pages cannot be kept, and with nil when they can
	// again.
	Waits func(why error)
	// Rests is called when a host is left alone for a while because it refused a request or
	// was not reached. It must not block.
	Rests func(h crawler.Host, reason string, wait time.Duration)
	// LeftOut is called for a seed that cannot be crawled.
	LeftOut func(why error)
	// Failed is as in [fleet.Observer].
	Failed func(job crawler.Status, err *visit.SinkError)
	// Aside is called with the folder to which earlier results were moved.
	Aside func(folder string)
}

// Refusal is an error that different settings avoid. Nothing was begun.
type Refusal struct{ err error }

// Error says what is wrong, and what to do.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap returns the wrapped error.
func (r *Refusal) Unwrap() error { return r.err }

func refuse(format string, args ...any) error { return &Refusal{fmt.Errorf(format, args...)} }

// check refuses what cannot be crawled, before anything is created or started.
func (c Config) check() error {
	if err := rules.Validate(c.Job); err != nil {
		return &Refusal{err}
	}
	if err := parse.Check(c.Job); err != nil {
		return &Refusal{err}
	}
	if _, err := render.Find(c.Browser); c.Job.Renders() && err != nil {
		return refuse("this job renders pages (render: %s): %w", c.Job.Render, err)
	}
	if c.Redis == "" {
		return nil
	}
	if _, err := redisconn.ParseEndpoint(c.Redis); err != nil {
		return &Refusal{err}
	}
	return nil
}
