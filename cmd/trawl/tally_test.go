package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheSummaryNamesARestingHost(t *testing.T) {
	t.Parallel()
	hosts := newTally()
	sum := summary{tally: hosts, counters: crawler.Counters{Waiting: 2, Seen: 3}}
	said := func() string {
		var b bytes.Buffer
		sum.print(&b)
		return b.String()
	}
	if strings.Contains(said(), "resting") {
		t.Errorf("no host rests, but the summary is %s", said())
	}
	hosts.rest("a.test:8080", "the server answered 429 Too Many Requests", time.Hour)
	if want := "resting   a.test:8080: the server answered 429 Too Many Requests; asked again in "; !strings.Contains(said(), want) {
		t.Errorf("the summary is %s, want %s", said(), want)
	}
	hosts.rest("b.test", "connection refused", -time.Second)
	if strings.Contains(said(), "resting") {
		t.Errorf("no host rests any more, but the summary is %s", said())
	}
}

func TestRestsAreRecordedWithoutAListener(t *testing.T) {
	t.Parallel()
	hosts := newTally()
	for range 100 {
		hosts.rest("a.test", "connection refused", time.Minute)
	}
	if r, resting := hosts.last(); !resting || r.host != "a.test" {
		t.Errorf("%v rests: %t", r, resting)
	}
}
