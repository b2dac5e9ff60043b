package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// access decides which jobs this worker may carry out of those that were started elsewhere, and
// tells these jobs where it keeps their pages.
type access struct {
	store   *frontier.Store
	owner   string // the name of the process in the fleet
	place   string // the name under which jobs list where it keeps pages
	fetcher *fetch.Fetcher
	private bool // the operator opened all private addresses
	closed  bool // the worker does not connect to what is opened only for a job
	judged  map[string]judgement
}

// judgement is whether a closed worker can reach all hosts of a job.
type judgement struct {
	created time.Time
	at      time.Time
	reaches bool
}

// judgeEvery is how often a closed worker checks again whether it can reach a job's hosts:
// more may be opened while the job runs.
const judgeEvery = 5 * time.Second

func newAccess(store *frontier.Store, rt *Runtime, cfg WorkerConfig) access {
	owner, place := cfg.Name, cfg.Name
	if cfg.Local != nil {
		owner, place = cfg.Local.Process, cfg.Local.Place
	}
	return access{
		store: store, owner: owner, place: place, fetcher: rt.Fetcher, private: cfg.Fetch.AllowPrivate,
		closed: cfg.Closed,
		judged: make(map[string]judgement),
	}
}

// admits reports whether the worker may carry out a job.
func (a *access) admits(ctx context.Context, job crawler.Status) bool {
	switch {
	case job.Owner != "":
		return job.Owner == a.owner
	case !job.Opens || !a.closed:
		return true
	}
	name := job.Job.Name
	if was := a.judged[name]; was.created.Equal(job.Created) && time.Since(was.at) < judgeEvery {
		return was.reaches
	}
	a.judged[name] = judgement{job.Created, time.Now(), a.reaches(ctx, name)}
	return a.judged[name].reaches
}

// reaches reports whether what the worker's own operator opened covers everything that is
// opened for a job.
func (a *access) reaches(ctx context.Context, job string) bool {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	opened, err := a.store.Opened(ctx, job)
	if err != nil || (opened.Private || len(opened.Networks) > 0) && !a.private {
		return false
	}
	for _, h := range opened.Hosts {
		if a.fetcher.Reaches(ctx, h) != nil {
			return false
		}
	}
	return ctx.Err() == nil
}

// keeps tells a job where the worker keeps its pages, and adds to their number. It does not
// count pages of a job that was not started by an interactive crawl. The numbers are only for
// display, so errors are ignored.
func (a *access) keeps(ctx context.Context, job crawler.Status, where string, pages int64) {
	if !job.Opens && pages > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	_ = a.store.Keep(ctx, job.Job.Name, queue.Kept{Worker: a.place, Machine: HostName(), Where: where, Pages: pages})
}
