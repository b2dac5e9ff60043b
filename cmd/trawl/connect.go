package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// backing is the Redis that a crawl lies in.
type backing struct {
	endpoint frontier.Endpoint // also what asynq connects with
	rdb      redis.UniversalClient
	kind     string          // for a person
	durable  bool            // an interrupted crawl can go on
	private  bool            // nobody else is there
	lost     <-chan struct{} // closed when a private server ended by itself; nil otherwise
	stop     func(context.Context) error
}

// redisStart is how long a private Redis may take to read what it kept.
const redisStart = 5 * time.Minute

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
func connect(ctx context.Context, url, dir string, persist bool, log *slog.Logger) (*backing, error) {
	if url != "" {
		b, err := connectShared(ctx, url, log)
		var status *exitError
		if errors.As(err, &status) && status.code == exitFailed {
			return nil, failed("%s (or leave out --redis)", status.message)
		}
		return b, err
	}
	if path, ok := redisd.Find(); ok {
		return startPrivate(ctx, path, dir, persist, log)
	}
	return startBuiltin(ctx, log)
}

// connectTo opens a Redis that runs.
func connectTo(ctx context.Context, url string) (*backing, error) {
	endpoint, err := frontier.ParseEndpoint(url)
	if err != nil {
		return nil, usage("%v", err)
	}
	b := &backing{
		endpoint: endpoint, rdb: endpoint.Client(), kind: "Redis at " + endpoint.String(),
		stop: func(context.Context) error { return nil },
	}
	if err := endpoint.Ping(ctx, b.rdb); err != nil {
		return nil, errors.Join(failed("%v", err), b.rdb.Close())
	}
	return b, nil
}

// connectShared opens a Redis that others may use, if a crawl can be trusted to
// it.
func connectShared(ctx context.Context, url string, log *slog.Logger) (*backing, error) {
	b, err := connectTo(ctx, url)
	if err != nil {
		return nil, err
	}
	b.durable = true
	store := frontier.New(b.rdb)
	warnings, err := store.Trust(ctx)
	if err == nil {
		err = store.CheckSchema(ctx)
	}
	if err != nil {
		return nil, errors.Join(failed("%v", err), b.rdb.Close())
	}
	for _, w := range warnings {
		log.Warn(string(w))
	}
	return b, nil
}

// startPrivate starts a redis-server of our own.
func startPrivate(ctx context.Context, path, dir string, persist bool, log *slog.Logger) (*backing, error) {
	ctx, cancel := context.WithTimeout(ctx, redisStart)
	defer cancel()
	server, err := redisd.Start(ctx, redisd.Config{Path: path, Dir: filepath.Join(dir, "redis"), Persist: persist, Log: log})
	if err != nil {
		return nil, failed("start a private redis-server: %v", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop(ctx))
	}
	b.kind = "a private redis-server"
	b.durable, b.private = persist, true
	b.lost = server.Done()
	b.stop = server.Stop
	return b, nil
}

// startBuiltin starts the imitation of Redis inside this process.
func startBuiltin(ctx context.Context, log *slog.Logger) (*backing, error) {
	server, err := redisd.StartBuiltin(log)
	if err != nil {
		return nil, failed("start the built-in Redis: %v", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		server.Stop()
		return nil, err
	}
	b.kind = "the built-in Redis, in memory: an interrupted crawl can not go on (install redis-server for that)"
	b.private = true
	b.stop = func(context.Context) error { server.Stop(); return nil }
	return b, nil
}

// close ends the connections, and the server if it is ours.
func (b *backing) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := errors.Join(b.rdb.Close(), b.stop(ctx)); err != nil {
		return fmt.Errorf("stop Redis: %w", err)
	}
	return nil
}
