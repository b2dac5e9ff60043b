package main

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/bench/simweb"
)

// The moments between which one waits for Trawl: from the command to the first
// request, and from the last page to the end.

const (
	mostBegin = 300 * time.Millisecond
	mostEnd   = 200 * time.Millisecond
)

// backings are the ways to keep a frontier that have moments.
var backings = []struct {
	name    string
	env     []string
	prepare func(context.Context, *stage) error
}{
	{"the built-in Redis", withoutPath, nil},
	{"a private redis-server", nil, nil},
	{"a redis-server with AOF", nil, startRedis},
}

// firstRequest measures how long it takes from the start of the process to the
// first request.
func firstRequest(ctx context.Context, g *ground) ([]finding, error) {
	return g.moments(ctx, "from the command to the first request", mostBegin,
		func(start, first, last, end time.Time) time.Duration {
			return first.Sub(start)
		})
}

// lastPage measures how long it takes from the last answer to the end of the
// process, which comes after the end of the job.
func lastPage(ctx context.Context, g *ground) ([]finding, error) {
	return g.moments(ctx, "from the last answer to the end of the command", mostEnd,
		func(start, first, last, end time.Time) time.Duration {
			return end.Sub(last)
		})
}

func (g *ground) moments(ctx context.Context, what string, most time.Duration,
	between func(start, first, last, end time.Time) time.Duration) ([]finding, error) {
	var all []finding
	for _, b := range backings {
		var took []time.Duration
		for range max(g.rounds, 1)*2 + 1 {
			s, leave, err := g.stage("moment")
			if err != nil {
				return nil, err
			}
			one, err := crawlBriefly(ctx, s, b.prepare, b.env, between)
			if _, left := leave(); err == nil {
				err = left
			}
			if err != nil {
				return nil, err
			}
			took = append(took, one)
		}
		m := median(took)
		all = append(all, finding{
			what + ", over " + b.name, fmt.Sprintf("%d ms, median of %d", m.Milliseconds(), len(took)),
			fmt.Sprintf("under %d ms", most.Milliseconds()), m < most,
		})
	}
	return all, nil
}

// crawlBriefly crawls a hundred pages.
func crawlBriefly(ctx context.Context, s *stage, prepare func(context.Context, *stage) error, env []string,
	between func(start, first, last, end time.Time) time.Duration) (time.Duration, error) {
	site, err := serveWeb(func(c *simweb.Config) { c.Hosts, c.Pages = 1, 100 })
	if err != nil {
		return 0, err
	}
	defer site.close()
	s.url = site.URL(simweb.Ref{})
	var more []string
	if prepare != nil {
		if err := prepare(ctx, s); err != nil {
			return 0, err
		}
		more = []string{"--redis", s.redis}
	}
	start := time.Now()
	if err := s.trawlCrawl(ctx, s.tools.trawl, env, more...); err != nil {
		return 0, err
	}
	end := time.Now()
	first, last := site.Ledger().Span()
	return between(start, first, last, end), site.whole()
}
