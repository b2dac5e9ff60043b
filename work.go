package trawl

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/tasks"
)

// Work runs the program as a worker of the fleet whose Redis cfg names, until ctx ends.
// Then it finishes requests in progress, gives the rest back, and returns nil within ten
// seconds. It runs the visits of the jobs whose handlers it has, along with any number of
// other workers. A scheduler of the fleet (trawl scheduler) enqueues the visits. Errors
// that may pass are logged and waited out. An error says that it could not begin: it wraps
// [ErrUnavailable] if Redis cannot be reached, and the cause of ctx if ctx had ended before.
func Work(ctx context.Context, cfg Config, handlers ...*Handlers) (err error) {
	if err := alive(ctx); err != nil {
		return err
	}
	defer withCause(ctx, &err)
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return err
	}
	if cfg.Redis == "" {
		return errors.New("trawl: Config.Redis is empty: name the Redis of the fleet to work for")
	}
	sets, err := gather(handlers)
	if err != nil {
		return fmt.Errorf("trawl: %w", err)
	}
	defer redisconn.Listen(cfg.Log)()
	p, err := cfg.process(ctx, sets)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	w, err := cfg.worker(ctx, p)
	if err != nil {
		return err
	}
	p.run(ctx, w)
	return nil
}

// process is what a worker needs.
type process struct {
	back    *fleet.Backend
	conn    *fleet.Connection
	brought *brought
	health  *fleet.Health
	unwatch func()
}

// process connects to Redis, and serves the program's health.
func (c Config) process(ctx context.Context, sets map[string]*Handlers) (*process, error) {
	back, err := fleet.Connect(ctx, c.Redis, c.Log)
	if err != nil {
		return nil, fmt.Errorf("trawl: %w", err)
	}
	conn := fleet.Join(back, c.Log)
	p := &process{
		back: back, conn: conn, unwatch: conn.Watch(context.WithoutCancel(ctx)),
		brought: &brought{sets: sets, client: tasks.NewClient(conn.Store, conn.Asynq), log: c.Log},
	}
	if p.health, err = fleet.ServeHealth(c.Listen, conn); err != nil {
		p.unwatch()
		return nil, errors.Join(fmt.Errorf("trawl: %w", err), p.brought.client.Close(), back.Close())
	}
	c.Log.Info("started", "listen", p.health.Address())
	return p, nil
}

// run runs the worker until ctx ends, and then lets it finish requests in progress.
func (p *process) run(ctx context.Context, w *fleet.Worker) {
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	w.Run(ctx, hard)
}

func (p *process) close() error {
	p.health.Stop()
	p.unwatch()
	return errors.Join(p.brought.client.Close(), p.back.Close())
}
