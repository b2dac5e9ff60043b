package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// seriesOf lists the metrics of a registry that have series of a job.
func seriesOf(t *testing.T, r prometheus.Gatherer, job string) (names []string) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.Metric {
			for _, label := range metric.Label {
				if label.GetName() == LabelJob && label.GetValue() == job {
					names = append(names, family.GetName())
				}
			}
		}
	}
	return names
}

// withJobLabel counts the metrics of a collector that have a label for the job.
func withJobLabel(c prometheus.Collector) (n int) {
	descs := make(chan *prometheus.Desc, 100)
	c.Describe(descs)
	close(descs)
	for d := range descs {
		if strings.Contains(d.String(), LabelJob) {
			n++
		}
	}
	return n
}

// TestNoSeriesOfARemovedJobIsLeft holds for every metric with a label for the job, also for
// those that are added later: a metric that the story does not touch fails it.
func TestNoSeriesOfARemovedJobIsLeft(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	worker, dispatcher := newWorkerMeters(registry, 1), newDispatcher(nil, &Connection{Registry: registry})
	for _, job := range []string{"gone", "stays"} {
		end := worker.begin(job)
		worker.asked(job, time.Second)
		end(queue.Report{Ending: queue.EndDry, Outcomes: map[crawler.Outcome]int{crawler.OutcomeFetched: 1}},
			errors.New("a full disk"))
		dispatcher.enqueued.WithLabelValues(job).Inc()
		dispatcher.failures.WithLabelValues(job).Inc()
	}
	before := seriesOf(t, registry, "gone")
	if all := withJobLabel(registry); len(before) != all {
		t.Fatalf("the job has series of %d metrics, %d have a label for it: %v", len(before), all, before)
	}
	worker.forget("gone")
	dispatcher.drop("gone")
	if left := seriesOf(t, registry, "gone"); len(left) > 0 {
		t.Errorf("of a job that was removed there is left %v", left)
	}
	if stay := seriesOf(t, registry, "stays"); len(stay) != len(before) {
		t.Errorf("of another job there is left %v, want %v", stay, before)
	}
}
