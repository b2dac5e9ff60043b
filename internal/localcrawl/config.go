package localcrawl

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/tasks"
)

// Config is what to crawl, and how.
type Config struct {
	// Job has the seeds that its scope goes by: none if the seeds come as a list. It is
	// crawled once, whatever its schedule.
	Job crawler.Job
	// Restart forgets an earlier crawl of the job and sets its results aside.
	Restart bool
	// Redis is the URL of a Redis that others may use. Default: one of the job's own.
	Redis string

	// Folder has the state of the crawl, in .trawl, and the results unless these go to a
	// bucket. Default none: then the crawl cannot go on later, and its job is removed from
	// a shared Redis at its end.
	Folder string
	// Temp is for files that are not needed after the run. Default: in the folder.
	Temp string
	// Out is where the results go.
	Out Out

	// Fetch says how far connections may go. The hosts of the job's seeds are open to them.
	Fetch fetch.Config
	// Own says that other workers would fetch other pages, because they do not have the logins,
	// headers, proxies, authorities or name servers of this process. Then it crawls alone.
	Own bool
	// Concurrency is the most hosts visited at once: at least 1.
	Concurrency int
	// Name of the worker, in records and file names. Default: the machine's name and, where
	// others may write to the same folder, the process's number.
	Name string
	// Process is how the fleet knows this process. No two may share one.
	Process string
	// Handlers returns the program's handlers, which may use the client. Default none.
	Handlers func(*tasks.Client) fleet.Handlers
	// HandlerTime and HandlerPlaces are those of [fleet.WorkerConfig].
	HandlerTime   time.Duration
	HandlerPlaces int

	// Words are how the user calls what errors name.
	Words Words
	// Hear has functions that are told what happens.
	Hear Hear
	// Kill cuts off requests under way, once it is closed. Default never.
	Kill <-chan struct{}
	// Log takes what an operator may wish to know. It is required.
	Log *slog.Logger
}

// Out is where the results of a crawl go.
type Out struct {
	// OutletConfig is that of a folder or a bucket. Its spool is by default beside the state.
	fleet.OutletConfig
	// Sink is where they go instead. Closing the Runner closes it.
	Sink sink.Sink
	// PerJob says that each job has a folder of its own in the place, as in a fleet, with files
	// named after the worker. Otherwise the results of the one job lie in the place itself.
	PerJob bool
}

// Words are how the user calls settings, such as --out.
type Words struct {
	Out, Restart, Job, Redis string
	// Again says that the same call goes on: "the same command goes on".
	Again string
}

// Hear are functions that hear of a crawl. None may be nil, and several goroutines may call them
// at once.
type Hear struct {
	// Visit hears of each visit that ended.
	Visit func(crawler.Report)
	// Waits hears why pages cannot be kept now, and nil when they can again.
	Waits func(why error)
	// LeftOut hears of a seed that cannot be crawled.
	LeftOut func(why error)
	// Aside hears of the folder in which earlier results were set aside.
	Aside func(folder string)
}

// Refusal is an error that other settings avoid. Nothing was begun.
type Refusal struct{ err error }

// Error says what was wrong, and what to do.
func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap returns what it wraps.
func (r *Refusal) Unwrap() error { return r.err }

func refuse(format string, args ...any) error { return &Refusal{fmt.Errorf(format, args...)} }

// check refuses what cannot be crawled, before anything is made or started.
func (c Config) check() error {
	if err := c.Job.Validate(); err != nil {
		return &Refusal{err}
	}
	if err := parse.Check(c.Job); err != nil {
		return &Refusal{err}
	}
	if c.Redis == "" {
		return nil
	}
	if _, err := frontier.ParseEndpoint(c.Redis); err != nil {
		return &Refusal{err}
	}
	return nil
}
