package robots

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Cache is the fleet's memory of robots.txt files: a value for each origin,
// such as "https://example.com". It is safe for concurrent use.
type Cache interface {
	// Get returns the value of an origin, and whether there is one.
	Get(ctx context.Context, origin string) (value []byte, found bool, err error)
	// Put keeps a value for at most ttl.
	Put(ctx context.Context, origin string, value []byte, ttl time.Duration) error
}

// Config sets up a [Robots].
type Config struct {
	// Memory bounds the bytes that parsed rules may take in this process.
	// Default 64 MiB.
	Memory int
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Jitter returns a duration from 0 to less than most, by which a pause is
	// shortened. Default a random one.
	Jitter func(most time.Duration) time.Duration
}

func (c Config) withDefaults() Config {
	if c.Memory == 0 {
		c.Memory = 64 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = func(most time.Duration) time.Duration { return rand.N(most) }
	}
	return c
}

// Robots rules on URLs by the robots.txt of their authorities, each of which is
// fetched once for the whole fleet and for all jobs. It is safe for concurrent
// use.
type Robots struct {
	cache  Cache
	now    func() time.Time
	jitter func(most time.Duration) time.Duration
	memory *memory
	turns  turns // at an origin
	kept   kept
}

// New returns a Robots that shares what it learns through cache.
func New(cache Cache, cfg Config) *Robots {
	cfg = cfg.withDefaults()
	return &Robots{cache: cache, now: cfg.Now, jitter: cfg.Jitter, memory: newMemory(cfg.Memory)}
}

// Ruling says what the robots.txt of u's origin says to job. It may take as
// long as get takes for the file and its redirects; callers for one origin wait
// for the first of them. The errors are those of the cache, of get, and of ctx;
// a robots.txt that can not be had is no error but a ruling.
//
// Such a robots.txt is asked for again with growing pauses, and given up after
// job.RobotsTries tries of the whole fleet. An hour later it is asked for anew.
func (r *Robots) Ruling(ctx context.Context, job crawler.Job, u crawler.URL, get Getter) (crawler.Ruling, error) {
	if job.IgnoreRobots {
		return obey(&Rules{}, job, u), nil
	}
	s := subject{u.Origin(), job.ProductToken()}
	if rules := r.memory.recall(s, r.now()); rules != nil {
		return obey(rules, job, u), nil
	}
	leave, err := r.turns.take(ctx, s.origin)
	if err != nil {
		return crawler.Ruling{}, fmt.Errorf("wait for the robots.txt of %s: %w", s.origin, err)
	}
	defer leave()
	if rules := r.memory.recall(s, r.now()); rules != nil {
		return obey(rules, job, u), nil
	}
	rec, err := r.record(ctx, s.origin, job.RobotsTries, get)
	if err != nil {
		return crawler.Ruling{}, fmt.Errorf("robots.txt of %s: %w", s.origin, err)
	}
	if rec.kind != kindRules {
		return r.refuse(rec, job), nil
	}
	rules := Parse([]byte(rec.text), s.token)
	rules.source = &crawler.RobotsText{Origin: s.origin, Text: rec.text, At: rec.at}
	r.memory.keep(s, rules, rec.at.Add(rec.life()))
	return obey(rules, job, u), nil
}

// Known is what the fleet remembers of the robots.txt of an origin, for one who
// asks why a URL was fetched or not. Nothing is fetched.
type Known struct {
	At          time.Time // when it was asked for; zero when it is not remembered
	Unavailable string    // why it could not be had; "" when it could
	Rules       *Rules    // nil when it could not be had
}

// Recall returns what the fleet remembers of u's origin.
func (r *Robots) Recall(ctx context.Context, job crawler.Job, u crawler.URL) (Known, error) {
	rec, err := r.known(ctx, u.Origin())
	switch {
	case err != nil || rec.kind == 0:
		return Known{}, err
	case rec.kind == kindRules:
		return Known{At: rec.at, Rules: Parse([]byte(rec.text), job.ProductToken())}, nil
	}
	return Known{At: rec.at, Unavailable: rec.text}, nil
}

// record returns what the fleet knows of an origin, after asking the origin
// where that is due.
func (r *Robots) record(ctx context.Context, origin string, tries int, get Getter) (record, error) {
	old, err := r.known(ctx, origin)
	if err != nil || old.kind != 0 && old.stands(r.now(), tries) {
		return old, err
	}
	rec, asked := r.kept.take(origin)
	if !asked || !rec.stands(r.now(), tries) {
		if rec, err = ask(ctx, origin, get); err != nil {
			return record{}, err
		}
		rec.at = r.now().Truncate(time.Millisecond)
		if rec.kind == kindUnreachable {
			rec.tries = old.tries + 1
			rec.pause = pauseAfter(rec.tries, r.jitter)
		}
	}
	if err := r.cache.Put(ctx, origin, rec.pack(), rec.life()); err != nil {
		r.kept.put(origin, rec)
		return record{}, err
	}
	return rec, nil
}

// known returns what the fleet remembers of an origin: the zero record when
// that is nothing, is unreadable, or no longer counts. A clock ahead of ours
// must not make a record last longer.
func (r *Robots) known(ctx context.Context, origin string) (record, error) {
	value, found, err := r.cache.Get(ctx, origin)
	if err != nil || !found {
		return record{}, err
	}
	now := r.now()
	rec, ok := unpack(value)
	if !ok || !now.Before(rec.at.Add(rec.life())) {
		return record{}, nil
	}
	if rec.at.After(now) {
		rec.at = now
	}
	return rec, nil
}

// obey is the ruling on u by rules that were had.
func obey(rules *Rules, job crawler.Job, u crawler.URL) crawler.Ruling {
	ruling := crawler.Ruling{
		Allowed: rules.Allowed, Text: rules.source, Signals: rules.Signals(),
		Delay: min(rules.CrawlDelay(), time.Duration(job.CrawlDelayCap)),
	}
	if job.Sitemaps {
		ruling.Sitemaps = located(rules.sitemaps, u)
	}
	return ruling
}

// located makes URLs of the addresses of sitemaps. They should be absolute;
// others are resolved against the origin of u. What is no URL is left out.
func located(addresses []string, u crawler.URL) []crawler.URL {
	if len(addresses) == 0 {
		return nil
	}
	base := u.Base()
	urls := make([]crawler.URL, 0, len(addresses))
	for _, a := range addresses {
		if !strings.Contains(a, "://") && !strings.HasPrefix(a, "/") {
			a = "/" + a
		}
		if sitemap, err := base.Resolve(a); err == nil {
			urls = append(urls, sitemap)
		}
	}
	return urls
}

// refuse is the ruling while, or because, there are no rules to be had.
func (r *Robots) refuse(rec record, job crawler.Job) crawler.Ruling {
	if rec.givenUp(job.RobotsTries) {
		return crawler.Ruling{Unavailable: rec.text}
	}
	return crawler.Ruling{Unavailable: rec.text, Again: max(rec.again(r.now()), time.Millisecond)}
}
