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

// connectAgain opens the Redis that a crawl of a folder lies in: that of a URL or, without
// one, the private one with its files in the folder's state.
func connectAgain(ctx context.Context, url, state string, log *slog.Logger) (*fleet.Backing, error) {
	if url != "" {
		return connectShared(ctx, url, log)
	}
	b, err := fleet.Start(ctx, state, true, log)
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
