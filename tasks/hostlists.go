package tasks

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/frontier"
)

// hostLists are hosts of jobs as estimates need them, as they were a moment ago. To read them costs
// more than everything else that a page shows of a job, and pages ask once a second. It is safe
// for concurrent use.
type hostLists struct {
	store *frontier.Store

	mu   sync.Mutex
	jobs map[string]hostList
}

// hostList is what was read of a job.
type hostList struct {
	created time.Time // distinguishes jobs of the same name
	read    time.Time
	hosts   []crawler.HostStatus
}

// hostListAge is how old a list may be.
const hostListAge = 10 * time.Second

// get returns hosts of a job as they should be by now.
func (l *hostLists) get(ctx context.Context, job crawler.Status) ([]crawler.HostStatus, error) {
	l.mu.Lock()
	list, ok := l.jobs[job.Job.Name]
	l.mu.Unlock()
	age := time.Since(list.read)
	if ok && age < hostListAge && list.created.Equal(job.Created) {
		return aged(list.hosts, age), nil
	}
	hosts, err := l.store.Frontier(job.Job).Hosts(ctx, forecast.EstimateHosts)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.jobs == nil {
		l.jobs = make(map[string]hostList)
	}
	for name, other := range l.jobs {
		if time.Since(other.read) >= hostListAge { // no one looks at that job any more
			delete(l.jobs, name)
		}
	}
	l.jobs[job.Job.Name] = hostList{created: job.Created, read: time.Now(), hosts: hosts}
	return hosts, nil
}

// aged returns hosts as they are after a time in which each was asked at its interval.
func aged(hosts []crawler.HostStatus, age time.Duration) []crawler.HostStatus {
	all := slices.Clone(hosts)
	for i := range all {
		h := &all[i]
		worked := max(0, age-h.Due)
		h.Due = max(0, h.Due-age)
		if h.Interval > 0 {
			h.Waiting = max(0, h.Waiting-int64(worked/h.Interval))
		}
	}
	return all
}
