package main

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/bench/simweb"
)

// politeness crawls two thousand hosts that are asked once a second each. The
// ideal is a request each second at each host from its first to its last one.
func politeness(ctx context.Context, g *ground) ([]finding, error) {
	const delay, pages, least = time.Second, 30, 0.97
	hosts := max(2, int(2000*g.size))
	site, err := serveWeb(func(c *simweb.Config) {
		c.Hosts, c.Pages, c.Abroad, c.Bytes = hosts, hosts*pages, 0, 2<<10
	})
	if err != nil {
		return nil, err
	}
	defer site.close()
	s, leave, err := g.stage("polite")
	if err != nil {
		return nil, err
	}
	if err = startRedis(ctx, s); err == nil {
		err = s.crawlPolitely(ctx, site, delay)
	}
	u, left := leave()
	for _, err := range []error{err, left, site.whole()} {
		if err != nil {
			return nil, err
		}
	}
	a := site.Ledger().Close()
	first, last := site.Ledger().Span()
	ideal := float64(a.Gaps) * delay.Seconds()
	rate := ideal / a.Busy.Seconds()
	whole := ideal / float64(hosts) / last.Sub(first).Seconds() // in the ideal all hosts begin at once
	return []finding{
		{
			fmt.Sprintf("%d hosts asked once a second: of the ideal rate", hosts),
			fmt.Sprintf("%.1f%% (%.1f%% with the time until the last host begins; %d requests in %.1f s, %.2f ms of processor time each)",
				100*rate, 100*whole, a.Asked+a.Robots, last.Sub(first).Seconds(),
				u.cpu.Seconds()*1000/float64(a.Asked+a.Robots)),
			fmt.Sprintf("%.0f%%", 100*least), rate >= least,
		},
		{
			"the smallest gap between two requests to a host",
			fmt.Sprintf("%.1f ms", float64(a.Smallest)/float64(time.Millisecond)),
			fmt.Sprintf("%d ms", delay.Milliseconds()), a.Smallest >= delay && a.Together == 0,
		},
	}, nil
}

func (s *stage) crawlPolitely(ctx context.Context, site *simsite, delay time.Duration) error {
	file, err := s.order(site.seeds(),
		fmt.Sprintf("delay: %v\nthrottle: 0\nconcurrency: 4096\nallow_cidr: [127.0.0.0/8]", delay))
	if err != nil {
		return err
	}
	return s.run(ctx, nil, s.tools.trawl, "crawl", "-f", file, "--out", s.path("out"), "--redis", s.redis)
}
