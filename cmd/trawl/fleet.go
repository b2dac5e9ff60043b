package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/fleet"
)

// processSettings are what the processes of a fleet have in common.
type processSettings struct {
	Redis     string
	Listen    string // for health and metrics; "" for none
	LogFormat string
	LogLevel  string
}

func (p *processSettings) register(flags *pflag.FlagSet) {
	p.registerLog(flags)
	flags.StringVar(&p.Listen, "listen", p.Listen, "address for /healthz, /readyz and /metrics; empty for none")
}

// registerLog defines the flags of a process that serves its health itself.
func (p *processSettings) registerLog(flags *pflag.FlagSet) {
	registerRedis(flags, &p.Redis)
	flags.StringVar(&p.LogFormat, "log-format", "text", "text or json")
	flags.StringVar(&p.LogLevel, "log-level", "info", "debug, info, warn or error")
}

// registerRedis defines the flag of all commands that work on a fleet.
func registerRedis(flags *pflag.FlagSet, url *string) {
	flags.StringVar(url, "redis", "redis://127.0.0.1:6379/0",
		"URL of the fleet's Redis: redis://:password@host:6379/0, redis+sentinel://host:26379/master, redis+cluster://host:6379")
}

// run carries out a process of the fleet until ctx ends, with its health and
// metrics beside it.
func (p *processSettings) run(ctx context.Context, work func(context.Context, *fleet.Door) error) (err error) {
	log, err := p.logger()
	if err != nil {
		return err
	}
	back, err := connectShared(ctx, p.Redis, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	door := fleet.NewDoor(back, log)
	defer door.Watch(ctx)()
	health, err := fleet.ServeHealth(p.Listen, door)
	if err != nil {
		return failed("%v (choose another address with --listen)", err)
	}
	defer health.Stop()
	log.Info("started", "listen", health.Address())
	err = work(ctx, door)
	log.Info("stopped")
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// logger logs to standard error.
func (p *processSettings) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(p.LogLevel))); err != nil {
		return nil, usage("log-level: %q is unknown: want debug, info, warn or error", p.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(stderr, options)
	switch p.LogFormat {
	case "text":
	case "json":
		handler = slog.NewJSONHandler(stderr, options)
	default:
		return nil, usage("log-format: %q is unknown: want text or json", p.LogFormat)
	}
	l := slog.New(handler)
	quiet(l)
	return l, nil
}
