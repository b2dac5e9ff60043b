package trawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// Config is how a program crawls. The zero value is useful for [Crawl]; [Work] needs
// a Redis.
type Config struct {
	// Redis is the URL of the fleet's Redis: redis://:password@host:6379/0,
	// redis+sentinel://host:26379/master or redis+cluster://host:6379. Default of
	// Crawl: a private redis-server, with its files in the job's folder under .trawl, if there is
	// one on PATH, and otherwise one that is built in and forgets all with the process. Work has
	// no default.
	Redis string
	// Out is where the results go, each job in a folder of its own: a folder, which is
	// made when it is missing, or, for [Work], the URL of a bucket, such as
	// s3://bucket/prefix (gs, azblob, file, mem). Default "crawls".
	Out string
	// Spool is the folder in which results wait for a bucket. Default: trawl/spool in
	// the user's cache folder.
	Spool string
	// Name of the worker, in records and in names of files: no two of a fleet may
	// share one. Default: the machine's name and, in a fleet, the process's number.
	Name string
	// Concurrency is the most hosts visited at once. Default 256.
	Concurrency int
	// Jobs are those that Work serves, with the runs of those that are periodic. Default: all
	// whose handlers the program has, with those that want none.
	Jobs []string

	// AllowPrivate opens private, loopback and other reserved addresses to
	// connections, and AllowCIDR some of them. Default: none but those of the hosts
	// that the seeds of Crawl name.
	AllowPrivate bool
	AllowCIDR    []netip.Prefix

	// OwnAddresses lets Work connect to nothing that only a job opens: the private
	// hosts that are named as seeds of a crawl beside it. Such jobs are for other
	// workers then. Default false.
	OwnAddresses bool

	// HandlerTime is how long the handlers of one page may take. Then their context
	// ends, and the page is tried again. A handler that goes on all the same keeps its
	// place until it returns. Default 1m.
	HandlerTime time.Duration
	// HandlerPlaces is at how many pages handlers may be at work at once. Default four
	// for each processor.
	HandlerPlaces int

	// Restart lets Crawl begin anew a job that there is already. Its results are set
	// aside in a folder within the job's, where trawl export finds them as JOB@previous.
	Restart bool
	// Listen is an address for /healthz, /readyz and /metrics, such as
	// 127.0.0.1:9091. Default none.
	Listen string
	// Log takes what an operator may wish to know: at Error what went wrong, also the
	// panics of handlers; at Warn pages that could not be handled; at Info each visit.
	// Default: standard error, from Warn on.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Out == "" {
		c.Out = "crawls"
	}
	if c.Concurrency == 0 {
		c.Concurrency = 256
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return c
}

func (c Config) validate() error {
	for _, check := range []struct {
		ok    bool
		field string
		value any
		want  string
	}{
		{c.Concurrency >= 1 && c.Concurrency <= 100_000, "Concurrency", c.Concurrency, "1 to 100000"},
		{c.HandlerTime >= 0, "HandlerTime", c.HandlerTime, "more than 0, or 0 for the default"},
		{c.HandlerPlaces >= 0, "HandlerPlaces", c.HandlerPlaces, "1 or more, or 0 for the default"},
	} {
		if !check.ok {
			return fmt.Errorf("trawl: Config.%s: %v is out of range: want %s", check.field, check.value, check.want)
		}
	}
	return nil
}

// worker makes the worker of a fleet, with an outlet of its own.
func (c Config) worker(ctx context.Context, p *process) (*fleet.Worker, error) {
	out, err := fleet.OpenOutlet(ctx, fleet.OutletConfig{Where: c.Out, Spool: c.Spool, Store: p.door.Store, Log: c.Log})
	if err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	w, err := fleet.NewWorker(p.door, fleet.WorkerConfig{
		Name: c.Name, Out: out, Concurrency: c.Concurrency, Jobs: c.Jobs, Closed: c.OwnAddresses,
		Fetch:    fetch.Config{AllowPrivate: c.AllowPrivate, AllowCIDR: c.AllowCIDR},
		Handlers: p.brought, HandlerTime: c.HandlerTime, HandlerPlaces: c.HandlerPlaces,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("trawl: %w", err), out.Close())
	}
	return w, nil
}
