package dashboard

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// hostDetail is a host of a job with everything that its page shows, as the API shows it.
type hostDetail struct {
	hostReport
	// Revision identifies its rules. A change with If-Match applies only to rules that have it.
	Revision string         `json:"revision"`
	URLs     []queuedReport `json:"urls"` // the first that are in flight or wait
	Robots   []robotsReport `json:"robots"`
	// Requests lists its last pages, the latest first. Workers report them while someone reads the
	// host every few seconds.
	Requests []tail.Row     `json:"requests"`
	Failed   []failedReport `json:"failed"` // URLs that are remembered as failed, the latest first

	status crawler.HostStatus
	queued []queue.Location
}

// queuedReport is a URL that is in flight or waits.
type queuedReport struct {
	URL      string           `json:"url"`
	State    queue.Place      `json:"state"` // "in flight", "waiting", or "later": it is to be tried again
	Priority crawler.Priority `json:"priority"`
	Depth    int              `json:"depth"`
	Tries    int              `json:"tries"`              // that failed
	AgainMS  int64            `json:"again_ms,omitempty"` // until it is tried again
}

// robotsReport is the robots.txt of an origin as the fleet remembers it.
type robotsReport struct {
	Origin string    `json:"origin"`
	At     time.Time `json:"at"` // when it was requested
	// Unavailable says why it could not be fetched; "" if it could.
	Unavailable string `json:"unavailable"`
	Text        string `json:"text"` // its lines for crawlers
}

// shownURLs is the number of a host's URLs that its page lists, and shownRemembered that of its
// failures.
const (
	shownURLs       = 100
	shownRemembered = 20
)

// hostDetailOf reads a host of a job. The work is bounded.
func (d *Dashboard) hostDetailOf(ctx context.Context, job string, host crawler.Host) (h hostDetail, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	var robots []queue.Robots
	var failed []queue.Failed
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { h.status, err = d.jobs.Host(ctx, job, host); return err })
	group.Go(func() (err error) { h.queued, err = d.jobs.Queued(ctx, job, host, shownURLs); return err })
	group.Go(func() (err error) { robots, err = d.jobs.Robots(ctx, job, host); return err })
	group.Go(func() (err error) { h.Requests, err = d.jobs.HostTail(ctx, job, host); return err })
	group.Go(func() (err error) { failed, err = d.jobs.Failed(ctx, job, readFailed); return err })
	if err := group.Wait(); err != nil {
		return h, err
	}
	h.hostReport, h.Revision = newHostReport(h.status), rulesRevision(h.status.Rules)
	h.URLs, h.Robots = []queuedReport{}, []robotsReport{}
	if h.Requests == nil {
		h.Requests = []tail.Row{}
	}
	for _, q := range h.queued {
		h.URLs = append(h.URLs, queuedReport{q.Entry.URL.String(), q.Place, q.Entry.Band.Priority(), q.Entry.Depth,
			q.Entry.Tries, q.Due.Milliseconds()})
	}
	for _, known := range robots {
		h.Robots = append(h.Robots, robotsReport{known.Origin, inUTC(known.At), known.Unavailable, known.Text})
	}
	var ofHost []queue.Failed
	for _, f := range failed {
		if f.Entry.URL.Host() == host {
			ofHost = append(ofHost, f)
		}
	}
	h.Failed = latestOf(ofHost, shownRemembered)
	return h, nil
}

// showHost responds with a host of a job.
func (d *Dashboard) showHost(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	host, err := pathHost(r)
	if err != nil {
		return err
	}
	return d.answerHost(w, r, host)
}

// answerHost responds with the current state of a host.
func (d *Dashboard) answerHost(w http.ResponseWriter, r *http.Request, host crawler.Host) error {
	h, err := d.hostDetailOf(r.Context(), r.PathValue("job"), host)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, h)
	return nil
}
