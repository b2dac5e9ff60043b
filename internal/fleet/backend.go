package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// Backend is the Redis that holds a crawl.
type Backend struct {
	Endpoint redisconn.Endpoint // also what asynq connects with
	Client   redis.UniversalClient
	Kind     string          // description for people
	Durable  bool            // an interrupted crawl can be continued
	Private  bool            // no other process uses it
	Lost     <-chan struct{} // closed if a private server ends unexpectedly; nil otherwise
	stop     func(context.Context) error
}

// redisStart is how long a private Redis may take to load its data.
const redisStart = 5 * time.Minute

// Connect opens the Redis at a URL, after checking that it is fit for a crawl. Others may
// use it at the same time.
func Connect(ctx context.Context, url string, log *slog.Logger) (*Backend, error) {
	b, err := connectTo(ctx, url)
	if err != nil {
		return nil, err
	}
	b.Durable = true
	store := frontier.New(b.Client)
	warnings, err := store.Trust(ctx)
	if err == nil {
		err = store.CheckSchema(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, b.Client.Close())
	}
	for _, w := range warnings {
		log.Warn(string(w))
	}
	return b, nil
}

// Start starts a Redis for this process alone: a private redis-server with its files in
// dir, if there is one on PATH, and otherwise the built-in one. With persist, the server
// saves its data.
func Start(ctx context.Context, dir string, persist bool, log *slog.Logger) (*Backend, error) {
	if path, ok := redisd.Find(); ok {
		return startPrivate(ctx, path, dir, persist, log)
	}
	return startBuiltin(ctx, log)
}

// connectTo opens a running Redis.
func connectTo(ctx context.Context, url string) (*Backend, error) {
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		return nil, err
	}
	b := &Backend{
		Endpoint: endpoint, Client: endpoint.Client(), Kind: "Redis at " + endpoint.String(),
		stop: func(context.Context) error { return nil },
	}
	if err := endpoint.Ping(ctx, b.Client); err != nil {
		return nil, errors.Join(err, b.Client.Close())
	}
	return b, nil
}

// startPrivate starts a private redis-server.
func startPrivate(ctx context.Context, path, dir string, persist bool, log *slog.Logger) (*Backend, error) {
	ctx, cancel := context.WithTimeout(ctx, redisStart)
	defer cancel()
	server, err := redisd.Start(ctx, redisd.Config{Path: path, Dir: filepath.Join(dir, "redis"), Persist: persist, Log: log})
	if err != nil {
		return nil, fmt.Errorf("start a private redis-server: %w", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop(ctx))
	}
	b.Kind = "a private redis-server"
	b.Durable, b.Private = persist, true
	b.Lost = server.Done()
	b.stop = server.Stop
	return b, nil
}

// startBuiltin starts the built-in imitation of Redis in this process.
func startBuiltin(ctx context.Context, log *slog.Logger) (*Backend, error) {
	server, err := redisd.StartBuiltin(log)
	if err != nil {
		return nil, fmt.Errorf("start the built-in Redis: %w", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		server.Stop()
		return nil, err
	}
	b.Kind = "the built-in Redis, in memory: an interrupted crawl cannot go on (install redis-server for that)"
	b.Private = true
	b.stop = func(context.Context) error { server.Stop(); return nil }
	return b, nil
}

// Close closes the connections, and stops the server if Start started it.
func (b *Backend) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := errors.Join(b.Client.Close(), b.stop(ctx)); err != nil {
		return fmt.Errorf("stop Redis: %w", err)
	}
	return nil
}
