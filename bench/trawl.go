package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
)

// Trawl in its backings. robots.txt, the journal and JSONL are on, as by default.

// speed are the flags of a crawl of one's own site.
var speed = []string{"--delay", "0", "--per-host", "32"}

const job = "bench"

// trawlRecords are the records of a crawl without a fleet.
const trawlRecords = "out/pages-*.jsonl*"

func withRedis(*tools) error { return installed("redis-server", "redis-server") }

// errUnasked says that nobody asked for a contestant.
var errUnasked = errors.New("no other build was named with -before")

func withBefore(t *tools) error {
	if t.before == "" {
		return errUnasked
	}
	return nil
}

func (s *stage) trawlCrawl(ctx context.Context, binary string, env []string, more ...string) error {
	return s.run(ctx, env, binary, s.crawlArgs(more...)...)
}

// crawlArgs are the arguments of trawl for a crawl of the site.
func (s *stage) crawlArgs(more ...string) []string {
	return slices.Concat([]string{"crawl", s.url, "--job", job, "--out", s.path("out")}, speed, more)
}

// withoutPath hides redis-server, so that the built-in Redis is used.
var withoutPath = []string{"PATH=/nonexistent"}

func trawlBuiltIn(ctx context.Context, s *stage) error {
	return s.trawlCrawl(ctx, s.tools.trawl, withoutPath)
}

func trawlBefore(ctx context.Context, s *stage) error {
	return s.trawlCrawl(ctx, s.tools.before, withoutPath)
}

func trawlPrivate(ctx context.Context, s *stage) error {
	return s.trawlCrawl(ctx, s.tools.trawl, nil)
}

func trawlRedis(ctx context.Context, s *stage) error {
	return s.trawlCrawl(ctx, s.tools.trawl, nil, "--redis", s.redis)
}

func trawlWARC(ctx context.Context, s *stage) error {
	return s.trawlCrawl(ctx, s.tools.trawl, nil, "--redis", s.redis, "--format", "jsonl,warc")
}

// startRedis starts a redis-server as README.md recommends it for a fleet.
func startRedis(ctx context.Context, s *stage) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	_, err = s.start(nil, "redis-server", "--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--dir", s.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
	if err != nil {
		return err
	}
	s.redis = fmt.Sprintf("redis://127.0.0.1:%d/0", port)
	return reachable(ctx, fmt.Sprintf("127.0.0.1:%d", port))
}

// startFleet starts a Redis, a scheduler and two workers.
func startFleet(ctx context.Context, s *stage) error {
	if err := startRedis(ctx, s); err != nil {
		return err
	}
	return s.startWorkers(ctx, 2)
}

// startWorkers starts a scheduler and workers of a fleet.
func (s *stage) startWorkers(ctx context.Context, n int) error {
	if err := s.startTrawl(ctx, "scheduler"); err != nil {
		return err
	}
	for i := range n {
		name := fmt.Sprintf("worker-%d", i+1)
		if err := s.startTrawl(ctx, "worker", "--name", name, "--out", s.path(name), "--allow-cidr",
			"127.0.0.0/8"); err != nil {
			return err
		}
	}
	return nil
}

// startTrawl starts a process of a fleet and waits until it listens.
func (s *stage) startTrawl(ctx context.Context, command string, args ...string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
	if _, err := s.start(nil, s.tools.trawl, append([]string{command, "--redis", s.redis, "--listen", address},
		args...)...); err != nil {
		return err
	}
	return reachable(ctx, address)
}

func trawlFleet(ctx context.Context, s *stage) error {
	file := s.path("job.yaml")
	text := fmt.Sprintf("name: %s\nseeds: [%q]\ndelay: 0s\nper_host: 32\n", job, s.url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	if err := s.run(ctx, nil, s.tools.trawl, "job", "create", file, "--redis", s.redis); err != nil {
		return err
	}
	return s.run(ctx, nil, s.tools.trawl, "job", "watch", job, "--redis", s.redis)
}
