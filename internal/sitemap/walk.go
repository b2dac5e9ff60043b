package sitemap

import (
	"context"
	"io"
	"iter"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Source is an opened sitemap.
type Source struct {
	Body    io.ReadCloser // closed by the walk
	At      crawler.URL   // the address after redirects
	Charset string        // as the server declared it; "" if it did not
}

// Opener opens the sitemap at u. It decides which hosts to contact, and how fast. Its
// error becomes the trouble of that sitemap.
type Opener func(ctx context.Context, u crawler.URL) (Source, error)

// WalkConfig bounds a walk. The zero value is useful.
type WalkConfig struct {
	// MaxBytes and MaxURLs bound each sitemap, as in [Config].
	MaxBytes int64
	MaxURLs  int
	// Levels is how many levels of sitemaps are followed: 1 is only the given ones, 2
	// also those that they list as indexes. Default [queue.SitemapLevels]; the protocol
	// has 2.
	Levels int
	// MaxSitemaps is how many sitemaps are opened, at most. Default 50,000.
	MaxSitemaps int
}

func (c WalkConfig) withDefaults() WalkConfig {
	if c.Levels == 0 {
		c.Levels = queue.SitemapLevels
	}
	if c.MaxSitemaps == 0 {
		c.MaxSitemaps = 50_000
	}
	return c
}

// Trouble is an error in one sitemap of a walk. The locations that it yielded before are
// valid, and the walk continues.
type Trouble struct {
	At     crawler.URL
	Reason error
}

func (t *Trouble) Error() string { return t.At.String() + ": " + t.Reason.Error() }
func (t *Trouble) Unwrap() error { return t.Reason }

// Walk yields the pages that sitemaps list, directly or through indexes. It reads each
// sitemap once, first the given ones, then those that they list. It also yields a
// [*Refusal] or a [*Trouble] and continues. If ctx ends the walk, its error comes last.
func Walk(ctx context.Context, from []crawler.URL, open Opener, cfg WalkConfig) iter.Seq2[Location, error] {
	return func(yield func(Location, error) bool) {
		w := &walk{open: open, cfg: cfg.withDefaults(), yield: yield, seen: make(map[crawler.URL]bool)}
		for _, u := range from {
			w.add(u, 1)
		}
		for len(w.waiting) > 0 {
			next := w.waiting[0]
			w.waiting = w.waiting[1:]
			if !w.visit(ctx, next) {
				return
			}
		}
	}
}

type walk struct {
	open    Opener
	cfg     WalkConfig
	yield   func(Location, error) bool
	seen    map[crawler.URL]bool
	waiting []queued
}

// queued is a sitemap that is waiting to be read.
type queued struct {
	at    crawler.URL
	level int // 1 for the given sitemaps
}

// add queues a sitemap, unless it was queued before, so that indexes that list each other
// come to an end. It returns false if there are too many sitemaps.
func (w *walk) add(u crawler.URL, level int) bool {
	if w.seen[u] {
		return true
	}
	if len(w.seen) >= w.cfg.MaxSitemaps {
		return false
	}
	w.seen[u] = true
	w.waiting = append(w.waiting, queued{u, level})
	return true
}

// visit reads one sitemap. It returns false when the walk is over.
func (w *walk) visit(ctx context.Context, s queued) bool {
	src, err := w.open(ctx, s.at)
	if ctx.Err() != nil {
		if err == nil {
			src.Body.Close()
		}
		w.yield(Location{}, ctx.Err())
		return false
	}
	if err != nil {
		return w.yield(Location{}, &Trouble{s.at, err})
	}
	defer src.Body.Close()
	if src.At != s.at {
		if w.seen[src.At] {
			return true
		}
		w.seen[src.At] = true
	}
	return w.read(ctx, s, src)
}

func (w *walk) read(ctx context.Context, s queued, src Source) bool {
	told := false // report omitted sitemaps only once for each index
	list := Read(src.Body, Config{At: src.At, Charset: src.Charset, MaxBytes: w.cfg.MaxBytes, MaxURLs: w.cfg.MaxURLs})
	for l, err := range list {
		if ctx.Err() != nil {
			w.yield(Location{}, ctx.Err())
			return false
		}
		switch {
		case err == nil && l.Sitemap:
			if err = w.child(l.URL, s.level+1); err == nil || told {
				continue
			}
			told = true
			err = &Trouble{s.at, err}
		case err != nil:
			if _, refusal := err.(*Refusal); !refusal {
				err = &Trouble{s.at, err}
			}
		}
		if !w.yield(l, err) {
			return false
		}
	}
	return true
}

// child queues a sitemap of an index, or returns why it cannot.
func (w *walk) child(u crawler.URL, level int) error {
	if level > w.cfg.Levels {
		return beyond("its sitemaps would be %d levels deep, at most %d are followed", level, w.cfg.Levels)
	}
	if !w.add(u, level) {
		return beyond("more than %d sitemaps are listed", w.cfg.MaxSitemaps)
	}
	return nil
}
