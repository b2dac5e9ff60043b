package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// registerRedis defines the flag of all commands that ask a fleet.
func registerRedis(flags *pflag.FlagSet, url *string) {
	var s settings
	s.Redis = setting.DefaultRedis
	row, _ := setting.Lookup("redis")
	flags.StringVar(url, row.Flag(), setting.DefaultRedis, flagHelp(row, &s.Values))
	annotate(flags.Lookup(row.Flag()), row)
}

// run runs a process of the fleet until ctx ends, and serves its health and metrics
// meanwhile.
func (s *settings) run(ctx context.Context, work func(context.Context, *fleet.Connection) error) (err error) {
	log, err := s.logger()
	if err != nil {
		return err
	}
	back, err := connectShared(ctx, s.Redis, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()
	conn := fleet.Join(back, log)
	defer conn.Watch(ctx)()
	health, err := fleet.ServeHealth(s.Listen, conn)
	if err != nil {
		return failed("%v (choose another address with --listen)", err)
	}
	defer health.Stop()
	log.Info("started", "listen", health.Address())
	err = work(ctx, conn)
	log.Info("stopped")
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// logger returns a logger that writes to standard error.
func (s *settings) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(strings.ToUpper(s.LogLevel))); err != nil {
		return nil, usage("log-level: %q is unknown: want debug, info, warn or error", s.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler = slog.NewTextHandler(stderr, options)
	switch s.LogFormat {
	case "text":
	case "json":
		handler = slog.NewJSONHandler(stderr, options)
	default:
		return nil, usage("log-format: %q is unknown: want text or json", s.LogFormat)
	}
	l := slog.New(handler)
	quiet(l)
	return l, nil
}
