package main

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// small is a run of every scenario that a test has the time for.
func small(t *testing.T, cluster bool) (*memory, options) {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		t.Skip("no redis-server or valkey-server on PATH: install redis-server")
	}
	m, err := startMemory(t.Context(), t.TempDir(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	return m, options{size: 0.002, seed: 7, workers: 2, visits: 64, shards: 1, limit: 5 * time.Minute}
}

// expectWhole fails unless everything was fetched, once, and by the rules.
func expectWhole(t *testing.T, got *toll) {
	t.Helper()
	if a := got.account; a.Missed > 0 || a.Twice > 0 || a.Asked == 0 || got.broken() > 0 {
		t.Errorf("%s: %+v", got.scenario.name, a)
	}
	if got.counters.Pages() == 0 || got.wall <= 0 || got.house <= 0 || got.commands["evalsha"].Calls == 0 {
		t.Errorf("%s has no figures: %+v", got.scenario.name, got)
	}
}

func TestEveryScenarioIsCrawledWhole(t *testing.T) {
	m, o := small(t, false)
	var tolls []*toll
	for _, s := range scenarios {
		order := s.job
		s.job = func(j *crawler.Job) {
			if order != nil {
				order(j)
			}
			j.Delay = min(j.Delay, 10*time.Millisecond)
		}
		got, err := s.carryOut(t.Context(), o, m, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		expectWhole(t, got)
		tolls = append(tolls, got)
	}
	table := markdown(tolls)
	for _, s := range scenarios {
		if !strings.Contains(table, "| "+s.name+" |") {
			t.Errorf("the table has no %s:\n%s", s.name, table)
		}
	}
}

func TestTheShardsOfAJobAreBorneByAllMasters(t *testing.T) {
	m, o := small(t, true)
	o.shards = 24
	some, err := pick("long-tail")
	if err != nil {
		t.Fatal(err)
	}
	got, err := some[0].carryOut(t.Context(), o, m, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	expectWhole(t, got)
	for i, keys := range got.keys {
		if keys == 0 || got.redis[i] <= 0 {
			t.Errorf("master %d has %d keys and took %v", i+1, keys, got.redis[i])
		}
	}
}
