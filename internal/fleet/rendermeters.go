package fleet

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/internal/render"
)

// renderOutcome is the outcome of rendering a page.
type renderOutcome string

const (
	renderDone    renderOutcome = "rendered"
	renderLimit   renderOutcome = "limit"   // the page exceeds a limit, such as that of its time
	renderCrashed renderOutcome = "crashed" // the page's process died, mostly because of its memory
	renderLost    renderOutcome = "lost"    // the browser died; the page is rendered again
	renderEnded   renderOutcome = "ended"   // the visit ended meanwhile
	renderFailed  renderOutcome = "failed"  // another error, such as that no browser starts
)

// outcomeOf returns the outcome that the error of a browser means.
func outcomeOf(err error) renderOutcome {
	var limit *render.LimitError
	switch {
	case err == nil:
		return renderDone
	case errors.As(err, &limit):
		return renderLimit
	case errors.Is(err, render.ErrCrashed):
		return renderCrashed
	case errors.Is(err, render.ErrBrowserLost):
		return renderLost
	case errors.Is(err, render.ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return renderEnded
	}
	return renderFailed
}

// renderMeters counts what the browser of a worker does. It is safe for concurrent use.
type renderMeters struct {
	pages *prometheus.CounterVec
	took  prometheus.Histogram
}

// renderBuckets range from a page without scripts to the default limit of its time, and beyond.
var renderBuckets = []float64{.25, .5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120}

// newRenderMeters registers the metrics of a worker's browser, which may be nil.
func newRenderMeters(r prometheus.Registerer, b *browser) *renderMeters {
	m := &renderMeters{
		pages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_worker_renders_total", Help: "Pages given to the browser, by outcome."},
			[]string{"outcome"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "trawl_worker_render_duration_seconds",
			Help:    "Pages that were rendered, by their time in the browser, without waiting for a place.",
			Buckets: renderBuckets}),
	}
	for _, o := range []renderOutcome{renderDone, renderLimit, renderCrashed, renderLost, renderEnded, renderFailed} {
		m.pages.WithLabelValues(string(o)) // creates the series with 0
	}
	r.MustRegister(m.pages, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "trawl_worker_browsers", Help: "Browsers that run, or are connected to."},
			func() float64 { running, _ := b.count(); return float64(running) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "trawl_worker_browser_starts_total",
			Help: "Browsers that were started, or connected to: the first one and those that replaced others."},
			func() float64 { _, started := b.count(); return float64(started) }))
	return m
}

// rendered counts a page.
func (m *renderMeters) rendered(result *render.Result, err error) {
	m.pages.WithLabelValues(string(outcomeOf(err))).Inc()
	if err == nil {
		m.took.Observe(result.Took.Seconds())
	}
}
