package dashboard

import (
	"context"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/internal/forecast"
)

// historyReport is what a job had done over time, as the API shows it. The oldest sample is first.
// There are no samples of times in which the job did not run.
type historyReport struct {
	Seconds []sampleReport `json:"seconds"` // each second of the last hour
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

// report responds with the report about a job that read returns.
func (d *Dashboard) report(
	w http.ResponseWriter, r *http.Request, read func(ctx context.Context, job string) (any, error),
) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	job := r.PathValue("job")
	if _, err := d.jobs.Status(ctx, job); err != nil {
		return err
	}
	report, err := read(ctx, job)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, report)
	return nil
}

// showHistory responds with what a job had done over the last day.
func (d *Dashboard) showHistory(w http.ResponseWriter, r *http.Request) error {
	return d.report(w, r, func(ctx context.Context, job string) (any, error) {
		h, err := d.jobs.History(ctx, job)
		return historyReport{samplesOf(h.Seconds), samplesOf(h.Minutes)}, err
	})
}
