package main

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// checkRedis refuses a malformed Redis URL.
func checkRedis(url string) error {
	if url == "" {
		return nil
	}
	if _, err := redisconn.ParseEndpoint(url); err != nil {
		return usage("%v", err)
	}
	return nil
}

// connectAgain connects to the Redis of a crawl: the one at url or, if that is empty, the
// private one of the kind was, whose files are in the state folder.
func connectAgain(ctx context.Context, url, state, was string, log *slog.Logger) (*fleet.Backend, error) {
	if url != "" {
		return connectShared(ctx, url, log)
	}
	b, err := fleet.Start(ctx, fleet.StartConfig{Dir: state, Persist: true, Was: was, Log: log})
	if err != nil {
		return nil, failed("%v", err)
	}
	return b, nil
}

// connectShared connects to a Redis that others may use as well.
func connectShared(ctx context.Context, url string, log *slog.Logger) (*fleet.Backend, error) {
	if _, err := redisconn.ParseEndpoint(url); err != nil {
		return nil, usage("%v", err)
	}
	b, err := fleet.Connect(ctx, url, log)
	if err != nil {
		return nil, failed("%v", err)
	}
	return b, nil
}

// quiet stops libraries from writing to standard error directly. go-redis reports each
// failed connection, which the returned error says as well, and net/http reports servers
// that send data without a request.
func quiet(l *slog.Logger) {
	redisconn.Listen(l)
	log.SetOutput(io.Discard)
}
