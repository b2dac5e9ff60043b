package fleet

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

// Backing is the Redis that a crawl lies in.
type Backing struct {
	Endpoint frontier.Endpoint // also what asynq connects with
	Client   redis.UniversalClient
	Kind     string          // for a person
	Durable  bool            // an interrupted crawl can go on
	Private  bool            // nobody else is there
	Lost     <-chan struct{} // closed when a private server ended by itself; nil otherwise
	stop     func(context.Context) error
}

// redisStart is how long a private Redis may take to read what it kept.
const redisStart = 5 * time.Minute

// Connect opens the Redis of a URL, if a crawl can be trusted to it. Others may
// use it.
func Connect(ctx context.Context, url string, log *slog.Logger) (*Backing, error) {
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

// Start starts a Redis of one's own: a private redis-server with its files in
// dir, if there is one on PATH, and otherwise the built-in one. With persist, the
// server writes down what it holds.
func Start(ctx context.Context, dir string, persist bool, log *slog.Logger) (*Backing, error) {
	if path, ok := redisd.Find(); ok {
		return startPrivate(ctx, path, dir, persist, log)
	}
	return startBuiltin(ctx, log)
}

// connectTo opens a Redis that runs.
func connectTo(ctx context.Context, url string) (*Backing, error) {
	endpoint, err := frontier.ParseEndpoint(url)
	if err != nil {
		return nil, err
	}
	b := &Backing{
		Endpoint: endpoint, Client: endpoint.Client(), Kind: "Redis at " + endpoint.String(),
		stop: func(context.Context) error { return nil },
	}
	if err := endpoint.Ping(ctx, b.Client); err != nil {
		return nil, errors.Join(err, b.Client.Close())
	}
	return b, nil
}

// startPrivate starts a redis-server of our own.
func startPrivate(ctx context.Context, path, dir string, persist bool, log *slog.Logger) (*Backing, error) {
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

// startBuiltin starts the imitation of Redis inside this process.
func startBuiltin(ctx context.Context, log *slog.Logger) (*Backing, error) {
	server, err := redisd.StartBuiltin(log)
	if err != nil {
		return nil, fmt.Errorf("start the built-in Redis: %w", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		server.Stop()
		return nil, err
	}
	b.Kind = "the built-in Redis, in memory: an interrupted crawl can not go on (install redis-server for that)"
	b.Private = true
	b.stop = func(context.Context) error { server.Stop(); return nil }
	return b, nil
}

// Close ends the connections, and the server if it is ours.
func (b *Backing) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := errors.Join(b.Client.Close(), b.stop(ctx)); err != nil {
		return fmt.Errorf("stop Redis: %w", err)
	}
	return nil
}
