package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Numbers of hosts. A job may have millions, and Redis does not sort them by the number of waiting
// URLs. So the hosts whose turn is first are read, and sorted here.
const (
	readHosts  = 200
	shownHosts = 100
	mostHosts  = 1000 // that the API returns at once
)

// hostReport is a host as the API shows it.
type hostReport struct {
	crawler.HostStatus
	IntervalMS int64 `json:"interval_ms"`
	DueMS      int64 `json:"due_ms"`
	P50MS      int64 `json:"p50_ms"`
	P95MS      int64 `json:"p95_ms"`
}

func newHostReport(h crawler.HostStatus) hostReport {
	if h.Traps == nil {
		h.Traps = []crawler.Trap{}
	}
	return hostReport{h, h.Interval.Milliseconds(), h.Due.Milliseconds(), h.P50.Milliseconds(), h.P95.Milliseconds()}
}

// hostsOf reads hosts of a job, those with the most waiting URLs first.
func (d *Dashboard) hostsOf(ctx context.Context, job string, limit int) ([]crawler.HostStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	hosts, err := d.jobs.Hosts(ctx, job, limit)
	slices.SortStableFunc(hosts, func(a, b crawler.HostStatus) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Host, b.Host))
	})
	return hosts, err
}

// listHosts responds with hosts of a job, or with the one that the query names.
func (d *Dashboard) listHosts(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "host", "limit")
	if err != nil {
		return err
	}
	limit, err := readNumber(query, "limit", shownHosts, mostHosts)
	if err != nil {
		return err
	}
	reports := []hostReport{}
	if name := query.Get("host"); name != "" {
		host, err := queue.ParseHost(name)
		if err != nil {
			return badRequest("parameter host: %v", err)
		}
		one, err := d.jobs.Host(r.Context(), r.PathValue("job"), host)
		if err != nil {
			return err
		}
		reports = append(reports, newHostReport(one))
	} else {
		hosts, err := d.hostsOf(r.Context(), r.PathValue("job"), limit)
		if err != nil {
			return err
		}
		for _, h := range hosts {
			reports = append(reports, newHostReport(h))
		}
	}
	writeJSON(w, http.StatusOK, map[string][]hostReport{"hosts": reports})
	return nil
}

// listWorkers responds with the live processes of the fleet.
func (d *Dashboard) listWorkers(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	members, err := d.jobs.Members(ctx)
	if err != nil {
		return err
	}
	workers, schedulers := []waiting.Member{}, []waiting.Member{}
	for _, m := range members {
		m.Seen = inUTC(m.Seen)
		if m.Kind == waiting.KindWorker {
			workers = append(workers, m)
		} else {
			schedulers = append(schedulers, m)
		}
	}
	writeJSON(w, http.StatusOK, map[string][]waiting.Member{"workers": workers, "schedulers": schedulers})
	return nil
}
