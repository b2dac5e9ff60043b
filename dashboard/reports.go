package dashboard

import (
	"context"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// failureReport says why URLs of a job failed, as the API shows it.
type failureReport struct {
	Causes []causeReport  `json:"causes"` // the most frequent first
	Last   []failedReport `json:"last"`   // some of the URLs that failed last, the latest first
}

// causeReport is how many URLs failed for one reason.
type causeReport struct {
	Cause string `json:"cause"` // "HTTP 404", or an error class
	URLs  int64  `json:"urls"`
}

// failedReport is a URL that failed for good.
type failedReport struct {
	URL    string `json:"url"`
	Reason string `json:"reason"`
}

// listErrors responds with why URLs of a job failed. The work is bounded.
func (d *Dashboard) listErrors(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	job, report := r.PathValue("job"), failureReport{Causes: []causeReport{}, Last: []failedReport{}}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		numbers, err := d.jobs.Counters(ctx, job)
		for _, cause := range queue.CausesOf(numbers) {
			report.Causes = append(report.Causes, causeReport{cause.Name, cause.URLs})
		}
		return err
	})
	group.Go(func() error {
		failures, err := d.jobs.Failures(ctx, job)
		for _, text := range failures {
			url, reason, _ := strings.Cut(text, ": ")
			report.Last = append(report.Last, failedReport{url, reason})
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, report)
	return nil
}

// historyReport is what a job had done over time, as the API shows it, the oldest first.
// Samples are missing for times in which the job did not run.
type historyReport struct {
	Seconds []sampleReport `json:"seconds"` // each second of the last five minutes
	Minutes []sampleReport `json:"minutes"` // each minute of the last day
}

// sampleReport is what a job had done at a point in time.
type sampleReport struct {
	At      time.Time `json:"at"`
	Pages   int64     `json:"pages"`   // fetched
	Settled int64     `json:"settled"` // URLs with an outcome
	Bytes   int64     `json:"bytes"`   // of bodies
	Failed  int64     `json:"failed"`  // URLs that failed or are gone
}

func samplesOf(samples []forecast.Sample) []sampleReport {
	all := make([]sampleReport, len(samples))
	for i, s := range samples {
		all[i] = sampleReport{inUTC(s.At), s.Pages, s.Settled, s.Bytes, s.Failed}
	}
	return all
}

// showHistory responds with what a job had done over the last day.
func (d *Dashboard) showHistory(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	job := r.PathValue("job")
	if _, err := d.jobs.Status(ctx, job); err != nil {
		return err
	}
	h, err := d.jobs.History(ctx, job)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, historyReport{samplesOf(h.Seconds), samplesOf(h.Minutes)})
	return nil
}
