package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Numbers of URLs that failed. The frontier remembers two hundred of each cause and shard.
const (
	readFailed    = 200 // of each cause and shard
	shownExamples = 3   // of each cause and host
	shownSorry    = 50  // hosts with URLs that failed
)

// failureReport says why URLs of a job failed, as the API shows it.
type failureReport struct {
	Causes []causeReport `json:"causes"` // the most frequent first
	// Hosts lists hosts by how many of their URLs are remembered as failed, the most first.
	Hosts []sorryHost    `json:"hosts"`
	Last  []failedReport `json:"last"` // some of the URLs that failed last, the latest first
}

// causeReport is how many URLs failed for one reason.
type causeReport struct {
	Cause      string             `json:"cause"`            // "HTTP 404", or an error class
	Class      crawler.ErrorClass `json:"error_class"`      // "http" for all statuses
	Status     int                `json:"status,omitempty"` // 0 without a response
	URLs       int64              `json:"urls"`
	Remembered int                `json:"remembered"` // of these: they can be queued again
	Examples   []failedReport     `json:"examples"`   // the latest first
}

// name returns the cause as the frontier counts it.
func (c causeReport) name() string { return strings.TrimPrefix(c.Cause, "HTTP ") }

// sorryHost is a host with URLs that failed.
type sorryHost struct {
	Host       crawler.Host   `json:"host"`
	Remembered int            `json:"remembered"` // URLs that failed and can be queued again
	Examples   []failedReport `json:"examples"`   // the latest first
}

// failedReport is a URL that failed for good.
type failedReport struct {
	URL    string    `json:"url"`
	Reason string    `json:"reason"`
	Cause  string    `json:"cause,omitempty"`
	At     time.Time `json:"at,omitzero"`
}

// failuresOf reads why URLs of a job failed. The work is bounded.
func (d *Dashboard) failuresOf(ctx context.Context, job string) (failureReport, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	report := failureReport{Causes: []causeReport{}, Hosts: []sorryHost{}, Last: []failedReport{}}
	var failed []queue.Failed
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		numbers, err := d.jobs.Counters(ctx, job)
		for _, cause := range queue.CausesOf(numbers) {
			report.Causes = append(report.Causes, newCauseReport(cause))
		}
		return err
	})
	group.Go(func() error {
		failures, err := d.jobs.Failures(ctx, job)
		for _, text := range failures {
			url, reason, _ := strings.Cut(text, ": ")
			report.Last = append(report.Last, failedReport{URL: url, Reason: reason})
		}
		return err
	})
	group.Go(func() (err error) {
		failed, err = d.jobs.Failed(ctx, job, readFailed)
		return err
	})
	err := group.Wait()
	report.add(failed)
	return report, err
}

func newCauseReport(cause queue.Cause) causeReport {
	c := causeReport{Cause: cause.Name, Class: crawler.ErrorClass(cause.Name), URLs: cause.URLs,
		Examples: []failedReport{}}
	if status, ok := queue.StatusCause(c.name()); ok {
		c.Class, c.Status = crawler.ErrorHTTP, status
	}
	return c
}

// add adds the URLs that are remembered, by cause and by host.
func (r *failureReport) add(failed []queue.Failed) {
	byCause, byHost := make(map[string][]queue.Failed), make(map[crawler.Host][]queue.Failed)
	for _, f := range failed {
		host := f.Entry.URL.Host()
		byCause[f.Cause], byHost[host] = append(byCause[f.Cause], f), append(byHost[host], f)
	}
	for i := range r.Causes {
		c := &r.Causes[i]
		some := byCause[c.name()]
		c.Remembered, c.Examples = len(some), examplesOf(some)
	}
	for host, some := range byHost {
		r.Hosts = append(r.Hosts, sorryHost{host, len(some), examplesOf(some)})
	}
	slices.SortFunc(r.Hosts, func(a, b sorryHost) int {
		return cmp.Or(cmp.Compare(b.Remembered, a.Remembered), cmp.Compare(a.Host, b.Host))
	})
	r.Hosts = r.Hosts[:min(len(r.Hosts), shownSorry)]
}

// examplesOf returns the latest of the URLs.
func examplesOf(failed []queue.Failed) []failedReport { return latestOf(failed, shownExamples) }

// latestOf returns the latest of the URLs, at most most.
func latestOf(failed []queue.Failed, most int) []failedReport {
	failed = slices.Clone(failed)
	slices.SortStableFunc(failed, func(a, b queue.Failed) int { return b.At.Compare(a.At) })
	examples := []failedReport{}
	for _, f := range failed[:min(len(failed), most)] {
		examples = append(examples, failedReport{f.Entry.URL.String(), f.Reason, f.Cause, inUTC(f.At)})
	}
	return examples
}

// listErrors responds with why URLs of a job failed.
func (d *Dashboard) listErrors(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	report, err := d.failuresOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, report)
	return nil
}

// retryReport is how many URLs are queued again.
type retryReport struct {
	URLs int `json:"urls"`
}

// retryFailed queues URLs that failed again: those with the cause and of the host that the
// query names, or all.
func (d *Dashboard) retryFailed(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "cause", "host")
	if err != nil {
		return err
	}
	which, err := readFailedFilter(query.Get("cause"), query.Get("host"))
	if err != nil {
		return err
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	if revision != anyRevision && revision != status.Revision {
		return &problem{http.StatusPreconditionFailed,
			fmt.Sprintf("the settings of the job have changed: they have revision %d", status.Revision), nil}
	}
	unhurried(w)
	urls, err := d.jobs.Retry(r.Context(), status.Job.Name, which)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, retryReport{urls})
	return nil
}

// statusOf reads a job within the time limit of a page.
func (d *Dashboard) statusOf(ctx context.Context, job string) (crawler.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return d.jobs.Status(ctx, job)
}

// readFailedFilter parses which of the URLs that failed are meant; "" for all.
func readFailedFilter(cause, host string) (which queue.FailedFilter, err error) {
	which.Cause = strings.TrimPrefix(strings.TrimSpace(cause), "HTTP ")
	if host = strings.TrimSpace(host); host != "" {
		if which.Host, err = queue.ParseHost(host); err != nil {
			return which, badRequest("parameter host: %v", err)
		}
	}
	return which, nil
}
