package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/bench/simweb"
	"github.com/trawlcrawler/trawl/crawler"
)

// scenario is a web and how it is crawled.
type scenario struct {
	name   string
	what   string
	web    func(*simweb.Config)
	job    func(*crawler.Job)
	seeded bool // each host is a seed; otherwise the first one is
}

// scenarios are all that there are. Sizes are multiplied by -size.
var scenarios = []scenario{{
	name: "one-host", what: "one host of 200,000 pages, at full speed",
	web: func(c *simweb.Config) { c.Hosts, c.Pages = 1, 200_000 },
	job: func(j *crawler.Job) { j.PerHost = 16 },
}, {
	name: "long-tail", what: "500,000 pages on 50,000 hosts, by Zipf's law",
	web: func(c *simweb.Config) { c.Hosts, c.Pages = 50_000, 500_000 },
}, {
	name: "one-page-hosts", what: "100,000 hosts of one page: a visit each",
	web: func(c *simweb.Config) { c.Hosts, c.Pages, c.Links, c.Abroad = 100_000, 100_000, 20, 0.3 },
}, {
	name: "seeded", what: "10,000 hosts of one page without links, each a seed",
	web: func(c *simweb.Config) {
		c.Hosts, c.Pages, c.Links, c.Abroad, c.Dead = 10_000, 10_000, 1, 0, 0
	},
	seeded: true,
}, {
	name: "polite", what: "2,000 hosts of 30 pages, each asked once a second",
	web: func(c *simweb.Config) {
		c.Hosts, c.Pages, c.Skew, c.Latency, c.Dead = 2_000, 60_000, 0, 30*time.Millisecond, 0
	},
	job: func(j *crawler.Job) { j.Delay, j.Throttle = time.Second, 0 },
}, {
	name: "rough", what: "200,000 pages on 20,000 hosts, of which a tenth is dead, a tenth of the pages is gone, and answers take 50 ms",
	web: func(c *simweb.Config) {
		c.Hosts, c.Pages, c.Latency, c.Dead, c.Gone, c.Failing = 20_000, 200_000, 50*time.Millisecond, 0.1, 0.1, 0.01
	},
	job: func(j *crawler.Job) { j.PerHost = 16 }, // the largest host has 19,000 pages
}}

// pick returns the scenarios of those names, in their order.
func pick(names string) ([]scenario, error) {
	var some []scenario
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q: see -help", name)
		}
		some = append(some, scenarios[i])
	}
	return some, nil
}

func names() string {
	all := make([]string, len(scenarios))
	for i, s := range scenarios {
		all[i] = s.name
	}
	return strings.Join(all, ",")
}

// build makes the web, as many times larger as size says.
func (s scenario) build(size float64, seed uint64) (*simweb.Web, error) {
	cfg := simweb.Default()
	cfg.Bytes, cfg.Seed = 2<<10, seed
	s.web(&cfg)
	if cfg.Hosts > 1 {
		cfg.Hosts = max(1, int(float64(cfg.Hosts)*size))
	}
	cfg.Pages = max(cfg.Hosts, int(float64(cfg.Pages)*size))
	return simweb.New(cfg)
}

// seeds are where the crawl begins.
func (s scenario) seeds(web *simweb.Web) []string {
	n := 1
	if s.seeded {
		n = web.Hosts()
	}
	seeds := make([]string, n)
	for i := range seeds {
		seeds[i] = web.Origin(i) + "/"
	}
	return seeds
}

// order makes the job.
func (s scenario) order(shards int) crawler.Job {
	j := crawler.DefaultJob()
	j.Name, j.Scope, j.Shards, j.Delay = "scale-"+s.name, crawler.ScopeAny, shards, 0
	j.HostTries, j.Retries, j.RetryPause = 1, 1, 100*time.Millisecond
	if s.job != nil {
		s.job(&j)
	}
	return j
}
