package fleet

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
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

// countJobLabels counts the metrics of a collector that have a job label.
func countJobLabels(c prometheus.Collector) (n int) {
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

// TestARemovedJobLeavesNoSeries covers every metric with a job label, including metrics that are
// added later: the test fails if it does not touch one of them.
func TestARemovedJobLeavesNoSeries(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	worker, dispatcher := newWorkerMeters(registry, 1), newDispatcher(nil, &Connection{Registry: registry})
	for _, job := range []string{"gone", "stays"} {
		end := worker.begin(job)
		worker.asked(job, time.Second)
		worker.spilled(job, frontier.Spilled{Objects: 1, URLs: 500, Bytes: 6000}, false)
		worker.spilled(job, frontier.Spilled{Objects: 1, URLs: 500, Bytes: 4000}, true)
		worker.broughtBack.WithLabelValues(job).Add(500)
		end(queue.Report{Ending: queue.EndDry, Outcomes: map[crawler.Outcome]int{crawler.OutcomeFetched: 1}},
			errors.New("a full disk"))
		dispatcher.enqueued.WithLabelValues(job).Inc()
		dispatcher.failures.WithLabelValues(job).Inc()
	}
	before := seriesOf(t, registry, "gone")
	if all := countJobLabels(registry); len(before) != all {
		t.Fatalf("the job has series in %d metrics, but %d metrics have a job label: %v", len(before), all, before)
	}
	worker.forget("gone")
	dispatcher.drop("gone")
	if left := seriesOf(t, registry, "gone"); len(left) > 0 {
		t.Errorf("the removed job still has series in %v", left)
	}
	if stay := seriesOf(t, registry, "stays"); len(stay) != len(before) {
		t.Errorf("the other job has series in %v, want %v", stay, before)
	}
}
