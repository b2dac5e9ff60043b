package trawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// Config is the configuration of a program that crawls. The zero value is useful for
// [Crawl]; [Work] requires a Redis.
type Config struct {
	// Redis is the URL of the fleet's Redis: redis://:password@host:6379/0,
	// redis+sentinel://host:26379/master or redis+cluster://host:6379. The default of Crawl
	// is a private redis-server, if there is one on PATH, and otherwise a built-in one, with
	// its data in the job's folder under .trawl. Work has no default.
	Redis string
	// Out is where the results go, with a folder for each job: a folder, which is created
	// if it does not exist, or, for [Work], the URL of a bucket, such as s3://bucket/prefix
	// or file:///folder. Packages s3 and drivers/… add s3://, gs:// and azblob://. Default "crawls".
	Out string
	// RedisBudget is how much memory Redis may use, in bytes. When that is near, waiting URLs, and
	// then which URLs were seen, are moved to Spill, and if that is not enough, the crawl slows down.
	// The built-in Redis of Crawl cannot have one. Default: three quarters of the maxmemory of Redis,
	// if it is set, and Spill is, or the results go to a bucket.
	RedisBudget int64
	// Spill is the folder or the bucket, as in Out, for waiting and seen URLs that do not fit
	// RedisBudget. All workers of the fleet must reach it. Default: .spill beneath Out; for Crawl, in
	// the job's folder.
	Spill string
	// Spool is the folder in which results wait to be shipped to a bucket. Default:
	// trawl/spool in the user's cache folder.
	Spool string
	// Name is the name of the worker in records and file names. It must be unique in a
	// fleet. Default: the machine's name and, in a fleet, the process ID.
	Name string
	// Browser is the browser for jobs that render pages (Job.Render): its path, or the address
	// of a remote one, as in "ws://127.0.0.1:9222/". Default a Chromium on PATH. Without any,
	// such jobs are left to other workers, and a crawl of one ends with an error.
	Browser string
	// Concurrency is the largest number of hosts visited at once. Default 256.
	Concurrency int
	// Jobs are the jobs that Work runs, including the runs of periodic ones. Default: all
	// jobs whose handlers the program has, and those that need none.
	Jobs []string

	// AllowPrivate allows connections to private, loopback and other reserved addresses,
	// and AllowCIDR to some of them. Default: only those of the hosts that the seeds of
	// Crawl name.
	AllowPrivate bool
	AllowCIDR    []netip.Prefix

	// Access says how some hosts are reached: headers, cookies, logins, client certificates,
	// proxies and certificate authorities. Jobs that such a program starts are left to it alone, because other
	// workers would fetch other pages. [Work] needs the same rules in all programs.
	Access []AccessRule

	// Identity proves to sites who makes the requests, by signatures of all of them, for
	// robots.txt and sitemaps too. Jobs are left to this program alone, as with Access. Default:
	// requests are not signed.
	Identity *Identity

	// Transport returns a transport around the one that it is given, which makes the requests
	// of all jobs, for robots.txt and sitemaps too. It is called once, by [Crawl], [Open] or
	// [Work], which return an error if it returns nil. What it returns is called by many
	// goroutines at once. It may change requests, record answers, or give answers itself.
	//
	// It lies above all that protects: private addresses and ports are refused below it, and
	// the limit of size holds for what it returns. It must obey the context of a request, which
	// ends when the time for it is up, and pass it on with the request (Request.Clone,
	// Request.WithContext). The headers and cookies of Access are in the requests that it sees.
	// What it requests in addition is not paced.
	//
	// An error is a failure of the URL, which is tried again unless the error wraps
	// [SkipRetry]; so is a panic, which is logged with its stack and not tried again. Jobs are
	// left to this program alone, as with Access. Default: the transport as it is.
	Transport func(http.RoundTripper) http.RoundTripper
	transport http.RoundTripper // what Transport returned

	// OwnAddresses stops Work from connecting to what is allowed only for a single job: the
	// private hosts that are seeds of a crawl on the same Redis. Such jobs are left to
	// other workers. Default false.
	OwnAddresses bool

	// HandlerTime is how long the handlers of one page may take. Then their context ends,
	// and the page is retried. A handler that does not return keeps its place until it
	// does. Default 1m.
	HandlerTime time.Duration
	// HandlerPlaces is the largest number of pages whose handlers run at the same time.
	// Default four for each processor.
	HandlerPlaces int

	// Grace is how long requests and handlers under way may take to finish when the program
	// or their job is told to end. Then their context ends, and their pages return to the
	// queue unchanged. Default 4s.
	Grace time.Duration

	// Restart makes Crawl and [Fleet.Start] start an existing job again from the beginning.
	// Its results are moved to a folder within the job's, where trawl export finds them as JOB@previous.
	Restart bool
	// Listen is an address for /healthz, /readyz and /metrics, such as
	// 127.0.0.1:9091. Default none.
	Listen string
	// Log receives what an operator may want to know: at Error, what went wrong, including
	// panics of handlers; at Warn, pages that could not be handled; at Info, each visit. At
	// Debug, it also receives what go-redis logs in this process, whose logger Trawl sets once;
	// a program that sets another one later (redis.SetLogger) keeps that. Default: standard
	// error, from Warn.
	Log *slog.Logger

	keepPause time.Duration // the first pause of a sink that failed; 0 for the default
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
	if c.Transport != nil {
		c.transport = c.Transport(fetch.Below{})
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
		{c.RedisBudget >= 0, "RedisBudget", c.RedisBudget, "bytes, or 0 for the default"},
		{c.HandlerTime >= 0, "HandlerTime", c.HandlerTime, "more than 0, or 0 for the default"},
		{c.Grace >= 0, "Grace", c.Grace, "more than 0, or 0 for the default"},
		{c.HandlerPlaces >= 0, "HandlerPlaces", c.HandlerPlaces, "1 or more, or 0 for the default"},
	} {
		if !check.ok {
			return fmt.Errorf("trawl: Config.%s: %v is out of range: want %s", check.field, check.value, check.want)
		}
	}
	_, err := c.fetching()
	if err != nil {
		err = fmt.Errorf("trawl: %w", err)
	}
	return err
}

// spill returns how URLs that do not fit in Redis are moved out of it.
func (c Config) spill() fleet.SpillConfig {
	return fleet.SpillConfig{Budget: c.RedisBudget, Where: c.Spill}
}

// worker creates a worker of the fleet, with its own outlet.
func (c Config) worker(ctx context.Context, p *process) (*fleet.Worker, error) {
	if c.Name != "" {
		if err := p.conn.CheckName(ctx, c.Name); err != nil {
			return nil, fmt.Errorf("trawl: Config.Name: %w", err)
		}
	}
	if err := fleet.CheckSpill(ctx, c.Spill, words.Spill); err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	out, err := fleet.OpenOutlet(ctx, fleet.OutletConfig{Where: c.Out, Spool: c.Spool, Store: p.conn.Store, Log: c.Log})
	if err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	fetching, err := c.fetching()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("trawl: %w", err), out.Close())
	}
	w, err := fleet.NewWorker(p.conn, fleet.WorkerConfig{
		Name: c.Name, Out: out, Concurrency: c.Concurrency, Jobs: c.Jobs, Closed: c.OwnAddresses,
		Fetch: fetching, Browser: c.Browser, Spill: c.spill(),
		Handlers: p.brought, HandlerTime: c.HandlerTime, HandlerPlaces: c.HandlerPlaces, Grace: c.Grace,
		KeepPause: c.keepPause,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("trawl: %w", err), out.Close())
	}
	return w, nil
}
