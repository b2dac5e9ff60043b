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
	Builtin  bool            // it is the built-in one, in this process
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

// Values of [StartConfig.Was].
const (
	ServerKind  = "private"  // a private redis-server
	BuiltinKind = "built-in" // the built-in Redis
)

// StartConfig configures a Redis for one process alone.
type StartConfig struct {
	// Dir is the folder in which it has a folder for its files. Required.
	Dir string
	// Persist keeps the data. Default false: it ends with the process.
	Persist bool
	// Was is the kind of the Redis whose data is in Dir: ServerKind or BuiltinKind. Default: Dir
	// has no data.
	Was string
	// Fresh discards data in Dir that is the built-in one's.
	Fresh bool
	// Log receives starts and stops. Required.
	Log *slog.Logger
}

// Start starts a Redis for this process alone: the built-in one if it has the data, otherwise
// a private redis-server if one is on PATH, otherwise the built-in one. If the data is a
// redis-server's and none is on PATH, the built-in one starts in memory, because the data may still
// be wanted.
func Start(ctx context.Context, cfg StartConfig) (*Backend, error) {
	path, ok := redisd.Find()
	switch {
	case cfg.Persist && cfg.Was == BuiltinKind && !cfg.Fresh:
		return startDurable(ctx, cfg)
	case ok:
		return startPrivate(ctx, path, cfg)
	case cfg.Persist && (cfg.Was != ServerKind || cfg.Fresh):
		return startDurable(ctx, cfg)
	}
	return startBuiltin(ctx, cfg.Log)
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
func startPrivate(ctx context.Context, path string, cfg StartConfig) (*Backend, error) {
	ctx, cancel := context.WithTimeout(ctx, redisStart)
	defer cancel()
	server, err := redisd.Start(ctx, redisd.Config{Path: path, Dir: cfg.redisDir(), Persist: cfg.Persist, Log: cfg.Log})
	if err == nil && cfg.Fresh {
		err = redisd.DiscardBuiltin(cfg.redisDir())
	}
	if err != nil {
		return nil, fmt.Errorf("start a private redis-server: %w", err)
	}
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop(ctx))
	}
	b.Kind = "a private redis-server"
	b.Durable, b.Private = cfg.Persist, true
	b.Lost = server.Done()
	b.stop = server.Stop
	return b, nil
}

func (cfg StartConfig) redisDir() string { return filepath.Join(cfg.Dir, "redis") }

// startDurable starts the built-in Redis in this process, with its data in a folder.
func startDurable(ctx context.Context, cfg StartConfig) (*Backend, error) {
	server, err := redisd.OpenBuiltin(ctx, redisd.BuiltinConfig{Dir: cfg.redisDir(), Fresh: cfg.Fresh, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	b, err := connectBuiltin(ctx, server)
	if err != nil {
		return nil, err
	}
	b.Kind, b.Durable = "the built-in Redis", true
	return b, nil
}

// startBuiltin starts the built-in Redis in this process, with its data in memory.
func startBuiltin(ctx context.Context, log *slog.Logger) (*Backend, error) {
	server, err := redisd.StartBuiltin(log)
	if err != nil {
		return nil, err
	}
	b, err := connectBuiltin(ctx, server)
	if err != nil {
		return nil, err
	}
	b.Kind = "the built-in Redis, in memory"
	return b, nil
}

// connectBuiltin connects to a built-in Redis, or stops it.
func connectBuiltin(ctx context.Context, server *redisd.Builtin) (*Backend, error) {
	b, err := connectTo(ctx, server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	b.Private, b.Builtin = true, true
	b.stop = func(context.Context) error { return server.Stop() }
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
