package main

import (
	"context"
	"log/slog"

	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// checkRedis refuses the URL of a Redis that is none.
func checkRedis(url string) error {
	if url == "" {
		return nil
	}
	if _, err := frontier.ParseEndpoint(url); err != nil {
		return usage("%v", err)
	}
	return nil
}

// connect opens the Redis of a URL, or else a private redis-server with its
// files in dir, or else the built-in one.
func connect(ctx context.Context, url, dir string, persist bool, log *slog.Logger) (*fleet.Backing, error) {
	if err := checkRedis(url); err != nil {
		return nil, err
	}
	var b *fleet.Backing
	var err error
	if url == "" {
		b, err = fleet.Start(ctx, dir, persist, log)
	} else if b, err = fleet.Connect(ctx, url, log); err != nil {
		return nil, failed("%v (or leave out --redis)", err)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	return b, nil
}

// connectShared opens a Redis that others may use.
func connectShared(ctx context.Context, url string, log *slog.Logger) (*fleet.Backing, error) {
	if _, err := frontier.ParseEndpoint(url); err != nil {
		return nil, usage("%v", err)
	}
	b, err := fleet.Connect(ctx, url, log)
	if err != nil {
		return nil, failed("%v", err)
	}
	return b, nil
}
