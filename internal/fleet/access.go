package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// access decides which jobs of crawls that were begun beside a worker it may carry out,
// and tells them where it keeps their pages.
type access struct {
	store   *frontier.Store
	owner   string // how the fleet knows the process
	place   string // how jobs know where it keeps pages
	fetcher *fetch.Fetcher
	private bool // its operator opened all private addresses
	closed  bool // it connects to nothing that is opened for a job alone
	judged  map[string]judgement
}

// judgement is whether a closed worker reaches all hosts of a job.
type judgement struct {
	created time.Time
	at      time.Time
	reaches bool
}

// judgeEvery is how often a closed worker looks whether it reaches a job's hosts: more
// may be opened while the job runs.
const judgeEvery = 5 * time.Second

func newAccess(store *frontier.Store, shop *Workshop, cfg WorkerConfig) access {
	owner, place := cfg.Name, cfg.Name
	if cfg.Local != nil {
		owner, place = cfg.Local.Process, cfg.Local.Place
	}
	return access{
		store: store, owner: owner, place: place, fetcher: shop.Fetcher, private: cfg.Fetch.AllowPrivate, closed: cfg.Closed,
		judged: make(map[string]judgement),
	}
}

// admits reports whether the worker may carry out a job.
func (a *access) admits(ctx context.Context, job crawler.Status) bool {
	switch {
	case job.Origin.Owner != "":
		return job.Origin.Owner == a.owner
	case !job.Origin.Opens || !a.closed:
		return true
	}
	name := job.Job.Name
	if was := a.judged[name]; was.created.Equal(job.Created) && time.Since(was.at) < judgeEvery {
		return was.reaches
	}
	a.judged[name] = judgement{job.Created, time.Now(), a.reaches(ctx, name)}
	return a.judged[name].reaches
}

// reaches reports whether the worker reaches all that is opened for a job by what its
// own operator opened.
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

// keeps tells a job where the worker keeps its pages, and that there are more. Of a job
// that no operator waits for, pages are not counted. It is a help for people; a crawl
// goes on without it.
func (a *access) keeps(ctx context.Context, job crawler.Status, where string, pages int64) {
	if !job.Origin.Opens && pages > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	_ = a.store.Keep(ctx, job.Job.Name, crawler.Kept{Worker: a.place, Machine: HostName(), Where: where, Pages: pages})
}
