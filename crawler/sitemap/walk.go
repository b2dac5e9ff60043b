package sitemap

import (
	"context"
	"io"
	"iter"

	"github.com/trawlcrawler/trawl/crawler"
)

// Source is a sitemap that was opened.
type Source struct {
	Body    io.ReadCloser // closed by the walk
	At      crawler.URL   // where it was found, behind redirects
	Charset string        // as the server declared it; "" when it did not
}

// Opener gets the sitemap at u. Which hosts it goes to, and how fast, is for it
// to decide; its error is the trouble of that sitemap.
type Opener func(ctx context.Context, u crawler.URL) (Source, error)

// WalkConfig bounds a walk. The zero value is useful.
type WalkConfig struct {
	// MaxBytes and MaxURLs bound each sitemap, as in [Config].
	MaxBytes int64
	MaxURLs  int
	// Levels is how deeply sitemaps are followed: 1 is those named alone, 2 also
	// what their indexes list. Default [crawler.SitemapLevels]; the protocol has 2.
	Levels int
	// MaxSitemaps is how many sitemaps are opened. Default 50,000.
	MaxSitemaps int
}

func (c WalkConfig) withDefaults() WalkConfig {
	if c.Levels == 0 {
		c.Levels = crawler.SitemapLevels
	}
	if c.MaxSitemaps == 0 {
		c.MaxSitemaps = 50_000
	}
	return c
}

// Trouble is what was wrong with one sitemap of a walk. What came of it before
// counts, and the walk goes on.
type Trouble struct {
	At     crawler.URL
	Reason error
}

func (t *Trouble) Error() string { return t.At.String() + ": " + t.Reason.Error() }
func (t *Trouble) Unwrap() error { return t.Reason }

// Walk yields the pages that sitemaps list, and those that their indexes lead
// to, each sitemap once: those named first, then what they list. Besides pages
// it yields a [*Refusal] or a [*Trouble], and goes on; and at last the error of
// ctx, if that ended it.
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
	waiting []station
}

// station is a sitemap that is to be read.
type station struct {
	at    crawler.URL
	level int // 1 for those named
}

// add puts a sitemap into the queue, unless it was there: so that indexes which
// list each other end. It reports false when there are too many.
func (w *walk) add(u crawler.URL, level int) bool {
	if w.seen[u] {
		return true
	}
	if len(w.seen) >= w.cfg.MaxSitemaps {
		return false
	}
	w.seen[u] = true
	w.waiting = append(w.waiting, station{u, level})
	return true
}

// visit reads one sitemap. It reports false when the walk is over.
func (w *walk) visit(ctx context.Context, s station) bool {
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

func (w *walk) read(ctx context.Context, s station, src Source) bool {
	told := false // of sitemaps that are left out, once a sitemap
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

// child puts a sitemap of an index into the queue, or says why not.
func (w *walk) child(u crawler.URL, level int) error {
	if level > w.cfg.Levels {
		return beyond("its sitemaps would be %d levels deep, at most %d are followed", level, w.cfg.Levels)
	}
	if !w.add(u, level) {
		return beyond("more than %d sitemaps are listed", w.cfg.MaxSitemaps)
	}
	return nil
}
