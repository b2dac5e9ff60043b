package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/trawlcrawler/trawl/crawler"
)

// meters are what a process counts of its own work. The numbers of jobs are the
// dashboard's.
type meters struct {
	registry *prometheus.Registry
	visits   *prometheus.CounterVec
	outcomes *prometheus.CounterVec
	bytes    prometheus.Counter
	links    prometheus.Counter
	failures prometheus.Counter
	answers  prometheus.Counter
}

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		visits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_worker_visits_total", Help: "Visits carried out, by how they ended."}, []string{"ending"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trawl_worker_urls_total", Help: "URLs settled, by outcome."}, []string{"outcome"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_worker_body_bytes_total", Help: "Bytes of bodies, after decoding."}),
		links: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_worker_links_total", Help: "Links that were new and admitted."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_worker_visit_failures_total", Help: "Visits that failed because of trouble of our own."}),
		answers: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trawl_worker_answer_seconds_total", Help: "Time that hosts took to answer, in sum."}),
	}
	m.registry.MustRegister(m.visits, m.outcomes, m.bytes, m.links, m.failures, m.answers,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// hear counts a visit.
func (m *meters) hear(r crawler.Report, err error) {
	m.visits.WithLabelValues(string(r.Ending)).Inc()
	for outcome, n := range r.Outcomes {
		m.outcomes.WithLabelValues(string(outcome)).Add(float64(n))
	}
	m.bytes.Add(float64(r.Bytes))
	m.links.Add(float64(r.Links))
	m.answers.Add(r.Answer.Seconds())
	if err != nil {
		m.failures.Inc()
	}
}
