package main

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/bench/simweb"
)

// flatMemory crawls hosts of ten thousand and of a million pages, over a Redis
// with AOF, and compares the memory of the process that crawls.
func flatMemory(ctx context.Context, g *ground) ([]finding, error) {
	const most, growth = 150e6, 1.1
	few, many := max(100, int(1e4*g.size)), max(1000, int(1e6*g.size))
	small, err := g.memoryFor(ctx, few)
	if err != nil {
		return nil, err
	}
	large, err := g.memoryFor(ctx, many)
	if err != nil {
		return nil, err
	}
	return []finding{
		{
			fmt.Sprintf("most memory of the process after %d pages", many),
			fmt.Sprintf("%.0f MB", float64(large)/1e6), fmt.Sprintf("at most %.0f MB", most/1e6),
			float64(large) <= most,
		},
		{
			fmt.Sprintf("the same against %d pages", few),
			fmt.Sprintf("%.2f times (%.0f MB)", float64(large)/float64(small), float64(small)/1e6),
			fmt.Sprintf("flat: at most %.1f times", growth), float64(large) <= growth*float64(small),
		},
	}, nil
}

// memoryFor is the most that the process has resident while it crawls so many
// pages, in bytes.
func (g *ground) memoryFor(ctx context.Context, pages int) (int64, error) {
	site, err := serveWeb(func(c *simweb.Config) { c.Hosts, c.Pages = 10, pages })
	if err != nil {
		return 0, err
	}
	defer site.close()
	s, leave, err := g.stage("memory")
	if err != nil {
		return 0, err
	}
	if err = startRedis(ctx, s); err == nil {
		err = s.crawlFast(ctx, site)
	}
	_, left := leave()
	for _, err := range []error{err, left, site.whole()} {
		if err != nil {
			return 0, err
		}
	}
	return s.peakOf("trawl"), nil
}

func (s *stage) crawlFast(ctx context.Context, site *simsite) error {
	file, err := s.order(site.seeds(), "delay: 0s\nper_host: 8\nallow_cidr: [127.0.0.0/8]")
	if err != nil {
		return err
	}
	return s.run(ctx, nil, s.tools.trawl, "crawl", "-f", file, "--out", s.path("out"), "--redis", s.redis)
}
