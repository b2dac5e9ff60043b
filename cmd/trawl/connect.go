package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
)

// backing is the Redis that a crawl lies in.
type backing struct {
	rdb     *redis.Client
	asynq   asynq.RedisClientOpt
	kind    string          // for a person
	durable bool            // an interrupted crawl can go on
	private bool            // nobody else is there
	lost    <-chan struct{} // closed when a private server ended by itself; nil otherwise
	stop    func(context.Context) error
}

// redisStart is how long a Redis may take to answer. A private one first reads
// what it kept.
const (
	redisAnswer = 5 * time.Second
	redisStart  = 5 * time.Minute
)

// connect opens the Redis of a URL, or else a private redis-server with its
// files in dir, or else the built-in one.
func connect(ctx context.Context, url, dir string, persist bool, log *slog.Logger) (*backing, error) {
	if url != "" {
		return connectTo(ctx, url)
	}
	if path, ok := redisd.Find(); ok {
		return startPrivate(ctx, path, dir, persist, log)
	}
	return startBuiltin(ctx, log)
}

// connectTo opens a real Redis.
func connectTo(ctx context.Context, url string) (*backing, error) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		return nil, usage("redis: %q is not the URL of a Redis (write redis://host:6379/0): %v", redactURL(url), err)
	}
	b := newBacking(opt)
	b.kind = "Redis at " + opt.Addr
	b.durable = true
	b.stop = func(context.Context) error { return nil }
	if err := b.ping(ctx); err != nil {
		b.rdb.Close()
		return nil, err
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
		_ = server.Stop(ctx)
		return nil, err
	}
	b.kind = "a private redis-server"
	b.private = true
	b.durable = persist
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
	b.durable, b.private = false, true
	b.stop = func(context.Context) error { server.Stop(); return nil }
	return b, nil
}

// redisPool is for how many calls at once there are connections: visits only
// now and then make one.
const redisPool = 64

func newBacking(opt *redis.Options) *backing {
	opt.PoolSize = redisPool
	return &backing{
		rdb: redis.NewClient(opt),
		asynq: asynq.RedisClientOpt{
			Network: opt.Network, Addr: opt.Addr, Username: opt.Username, Password: opt.Password,
			DB: opt.DB, TLSConfig: opt.TLSConfig, PoolSize: redisPool,
		},
	}
}

// ping finds out whether the Redis answers, and words why not.
func (b *backing) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisAnswer)
	defer cancel()
	err := b.rdb.Ping(ctx).Err()
	if err == nil {
		return nil
	}
	addr := b.rdb.Options().Addr
	var network *net.OpError
	switch text := err.Error(); {
	case strings.HasPrefix(text, "NOAUTH"):
		return failed("Redis at %s asks for a password: write redis://:PASSWORD@%s", addr, addr)
	case strings.HasPrefix(text, "WRONGPASS"), strings.Contains(text, "invalid password"), strings.Contains(text, "invalid username-password"):
		return failed("Redis at %s refuses the user name or password", addr)
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF):
		return failed("no Redis answers at %s: %v (start one, or leave out --redis)", addr, err)
	}
	return failed("Redis at %s: %v", addr, err)
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

// redactURL hides the password of a URL that can not be parsed.
func redactURL(url string) string {
	if at := strings.LastIndexByte(url, '@'); at >= 0 {
		if scheme := strings.Index(url, "://"); scheme >= 0 && scheme < at {
			return url[:scheme+3] + "…" + url[at:]
		}
		return "…" + url[at:]
	}
	return url
}
