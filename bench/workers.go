package main

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/bench/simweb"
)

// moreWorkers compares what a page costs a fleet with four workers and one with
// one, over a web of hosts, in turns.
func moreWorkers(ctx context.Context, g *ground) ([]finding, error) {
	const one, many, most = 1, 4, 1.1
	var ratios, costs []float64
	for range g.rounds {
		single, err := g.fleetCost(ctx, one)
		if err != nil {
			return nil, err
		}
		several, err := g.fleetCost(ctx, many)
		if err != nil {
			return nil, err
		}
		ratios, costs = append(ratios, several/single), append(costs, single)
	}
	ratio := median(ratios)
	return []finding{{
		fmt.Sprintf("processor time a page of a fleet with %d workers, against %d", many, one),
		fmt.Sprintf("%.2f times, median of %d; with one worker %.3f ms a page", ratio, len(ratios), median(costs)),
		fmt.Sprintf("at most %.1f times", most), ratio <= most,
	}}, nil
}

// fleetCost is the processor time in milliseconds that a fleet and its Redis take
// for a page.
func (g *ground) fleetCost(ctx context.Context, workers int) (float64, error) {
	hosts := max(4, int(40*g.size))
	site, err := serveWeb(func(c *simweb.Config) {
		c.Hosts, c.Pages, c.Links, c.Bytes = hosts, hosts*1000, 100, 26<<10
	})
	if err != nil {
		return 0, err
	}
	defer site.close()
	s, leave, err := g.stage("workers")
	if err != nil {
		return 0, err
	}
	if err = startRedis(ctx, s); err == nil {
		err = s.startWorkers(ctx, workers)
	}
	if err == nil {
		err = s.crawlByFleet(ctx, site)
	}
	u, left := leave()
	for _, err := range []error{err, left, site.whole()} {
		if err != nil {
			return 0, err
		}
	}
	return u.cpu.Seconds() * 1000 / float64(site.Pages()), nil
}

func (s *stage) crawlByFleet(ctx context.Context, site *simsite) error {
	file, err := s.order(site.seeds(), "delay: 0s\nper_host: 8")
	if err != nil {
		return err
	}
	if err := s.run(ctx, nil, s.tools.trawl, "job", "create", file, "--redis", s.redis); err != nil {
		return err
	}
	return s.run(ctx, nil, s.tools.trawl, "job", "watch", job, "--redis", s.redis)
}
