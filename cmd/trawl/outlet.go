package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// openOutlet opens what the results of a crawl on this machine go to. A prefix of a
// bucket has those of one crawl.
func openOutlet(ctx context.Context, s settings, dir *folder, earlier *note, store *frontier.Store, log *slog.Logger) (*fleet.Outlet, error) {
	cfg := s.outlet(log)
	cfg.Store = store
	if cfg.Spool == "" {
		cfg.Spool = filepath.Join(dir.house(), "spool")
	}
	if err := sameOutlet(s, dir, earlier); err != nil {
		return nil, err
	}
	outlet, err := fleet.OpenOutlet(ctx, cfg)
	if err != nil {
		return nil, failed("%v", err)
	}
	if output.IsBucket(s.Out) && (earlier == nil || s.restart) {
		names, err := outlet.Place().Names(ctx)
		if err == nil && len(names) > 0 {
			err = usage("%q has the results of an earlier crawl, such as %q: choose another prefix with --out", s.Out, names[0])
		}
		if err != nil {
			return nil, errors.Join(err, outlet.Close())
		}
	}
	return outlet, nil
}

// sameOutlet refuses to go on with a crawl whose results went elsewhere.
func sameOutlet(s settings, dir *folder, earlier *note) error {
	was := ""
	if output.IsBucket(s.Out) {
		was = s.Out
	}
	switch {
	case earlier == nil || s.restart || earlier.Out == was:
		return nil
	case earlier.Out == "":
		return usage("the results of the crawl in %q are in that folder: name it with --out, or another job with --job", dir.dir)
	}
	return usage("the results of the crawl in %q go to %q: name that with --out, or another job with --job", dir.dir, earlier.Out)
}

// shutTerm is for how long a crawl that was interrupted waits for a bucket: what
// does not come there is brought at the next start.
const shutTerm = 5 * time.Second

// shut waits until the results are where they belong.
func shut(ctx context.Context, outlet *fleet.Outlet) error {
	if ctx.Err() != nil {
		var cancel func()
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), shutTerm)
		defer cancel()
	}
	if err := errors.Join(outlet.Flush(ctx), outlet.Close()); err != nil {
		return failed("%v", err)
	}
	return nil
}
