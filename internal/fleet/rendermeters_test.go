package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/internal/render"
)

// valuesOf returns the values of a registry's metrics, by name and outcome: the number of
// observations of a histogram.
func valuesOf(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, family := range families {
		for _, metric := range family.Metric {
			name := family.GetName()
			for _, label := range metric.Label {
				name += " " + label.GetValue()
			}
			all[name] = metric.GetCounter().GetValue() + metric.GetGauge().GetValue() +
				float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestPagesAreCountedByWhatTheBrowserMadeOfThem(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m := newRenderMeters(registry, nil)
	m.rendered(&render.Result{Took: time.Second}, nil)
	for _, err := range []error{
		&render.LimitError{Limit: "time"}, fmt.Errorf("render: %w", render.ErrCrashed),
		fmt.Errorf("%w: killed", render.ErrBrowserLost), context.Canceled, render.ErrClosed, errors.New("no memory"),
	} {
		m.rendered(nil, err)
	}
	got := valuesOf(t, registry)
	for name, want := range map[string]float64{
		"trawl_worker_renders_total rendered": 1, "trawl_worker_renders_total limit": 1,
		"trawl_worker_renders_total crashed": 1, "trawl_worker_renders_total lost": 1,
		"trawl_worker_renders_total ended": 2, "trawl_worker_renders_total failed": 1,
		"trawl_worker_render_duration_seconds": 1, "trawl_worker_browsers": 0, "trawl_worker_browser_starts_total": 0,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v (there: %v), want %v", name, value, ok, want)
		}
	}
}

func TestABrowserOfAWorkerIsCounted(t *testing.T) {
	t.Parallel()
	b, err := findBrowser("", slog.New(slog.DiscardHandler))
	if err != nil || b == nil {
		t.Skipf("no browser: %v", err)
	}
	b.cfg.Dir, b.cfg.RecyclePages = t.TempDir(), 1 // each page has a browser of its own
	registry := prometheus.NewRegistry()
	b.meters = newRenderMeters(registry, b)
	request := render.Request{
		URL: "http://www.site.test/", First: render.Answer{Status: http.StatusOK, Body: []byte("<p>words")},
		Transport: func(context.Context, render.Subrequest) (render.Answer, error) {
			return render.Answer{}, &render.Refusal{}
		},
		Limits: render.Limits{Time: 10 * time.Minute},
	}
	for range 2 {
		if _, err := b.Render(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	got := valuesOf(t, registry)
	if got["trawl_worker_renders_total rendered"] != 2 || got["trawl_worker_browser_starts_total"] != 2 {
		t.Errorf("two pages in two browsers are counted as %v", got)
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	if got := valuesOf(t, registry); got["trawl_worker_browsers"] != 0 || got["trawl_worker_browser_starts_total"] != 2 {
		t.Errorf("after its end the browser is counted as %v", got)
	}
}
