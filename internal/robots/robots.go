package robots

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Cache stores robots.txt results for the whole fleet: a value for each origin, such as
// "https://example.com". It is safe for concurrent use.
type Cache interface {
	// Get returns the value of an origin, and whether there is one.
	Get(ctx context.Context, origin string) (value []byte, found bool, err error)
	// Put stores a value for a day at least. From textAt on, it is a text that many origins may have.
	Put(ctx context.Context, origin string, value []byte, textAt int) error
}

// Config configures a [Robots].
type Config struct {
	// Memory bounds the memory of parsed rules in this process, in bytes. Default 64 MiB.
	Memory int
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Jitter returns a duration from 0 to less than most, by which a pause is shortened.
	// Default random.
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

// Robots decides about URLs by the robots.txt of their authorities. Each robots.txt is
// fetched once for the whole fleet and for all jobs. It is safe for concurrent use.
type Robots struct {
	cache  Cache
	now    func() time.Time
	jitter func(most time.Duration) time.Duration
	memory *memory
	turns  turns // for each origin
	kept   kept
}

// New returns a Robots that shares results through cache.
func New(cache Cache, cfg Config) *Robots {
	cfg = cfg.withDefaults()
	return &Robots{cache: cache, now: cfg.Now, jitter: cfg.Jitter, memory: newMemory(cfg.Memory)}
}

// RobotsPolicy returns what the robots.txt of u's origin says to job. It may take as long
// as get takes for the file and its redirects; concurrent callers for the same origin
// wait for the first. Its errors are those of the cache, of get, and of ctx. A robots.txt
// that cannot be fetched is not an error: the policy says so.
//
// Such a robots.txt is requested again after growing pauses, and given up after
// job.RobotsTries tries of the whole fleet. After an hour the tries start over.
func (r *Robots) RobotsPolicy(ctx context.Context, job crawler.Job, u crawler.URL,
	get Getter) (fetched.RobotsPolicy, error) {
	if job.IgnoreRobots {
		return obey(&Rules{}, job, u), nil
	}
	s := subject{u.Origin(), job.ProductToken()}
	if rules := r.memory.recall(s, r.now()); rules != nil {
		return obey(rules, job, u), nil
	}
	leave, err := r.turns.take(ctx, s.origin)
	if err != nil {
		return fetched.RobotsPolicy{}, fmt.Errorf("wait for the robots.txt of %s: %w", s.origin, err)
	}
	defer leave()
	if rules := r.memory.recall(s, r.now()); rules != nil {
		return obey(rules, job, u), nil
	}
	rec, err := r.record(ctx, s.origin, job.RobotsTries, get)
	if err != nil {
		return fetched.RobotsPolicy{}, fmt.Errorf("robots.txt of %s: %w", s.origin, err)
	}
	if rec.kind != kindRules {
		return r.refuse(rec, job.RobotsTries), nil
	}
	rules := Parse([]byte(rec.text), s.token)
	rules.source = &fetched.RobotsText{Origin: s.origin, Text: rec.text, At: rec.at}
	r.memory.keep(s, rules, rec.at.Add(rec.life()))
	return obey(rules, job, u), nil
}

// Known is what the fleet remembers about the robots.txt of an origin, to explain why a
// URL was fetched or not. Nothing is fetched for it.
type Known struct {
	At          time.Time // when it was requested; zero if nothing is remembered
	Unavailable string    // why it could not be fetched; "" if it could
	Rules       *Rules    // nil if it could not be fetched
	Text        string    // the robots.txt without what no crawler reads; "" if it could not be fetched
}

// Recall returns what the fleet remembers about u's origin, with the rules for a crawler of
// that product token.
func (r *Robots) Recall(ctx context.Context, token string, u crawler.URL) (Known, error) {
	rec, err := r.known(ctx, u.Origin())
	switch {
	case err != nil || rec.kind == 0:
		return Known{}, err
	case rec.kind == kindRules:
		return Known{At: rec.at, Rules: Parse([]byte(rec.text), token), Text: rec.text}, nil
	}
	return Known{At: rec.at, Unavailable: rec.text}, nil
}

// record returns what the fleet knows about an origin. It requests the robots.txt if that
// is due.
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
	err = r.store(ctx, origin, &rec)
	return rec, err
}

// store stores what is known of an origin for the fleet. If that fails, this process keeps it, and
// rec is the zero record.
func (r *Robots) store(ctx context.Context, origin string, rec *record) error {
	packed := rec.pack()
	err := r.cache.Put(ctx, origin, packed, rec.textAt(packed))
	if err != nil {
		r.kept.put(origin, *rec)
		*rec = record{}
	}
	return err
}

// known returns what the fleet remembers about an origin: the zero record if that is
// nothing, unreadable or expired. A record from a clock ahead of ours must not last
// longer, so its time is limited to now.
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

// obey returns the robots policy for u according to rules.
func obey(rules *Rules, job crawler.Job, u crawler.URL) fetched.RobotsPolicy {
	policy := fetched.RobotsPolicy{
		Allowed: rules.Allowed, Text: rules.source, Delay: min(rules.CrawlDelay(), job.CrawlDelayCap),
	}
	if rules.speaks() {
		policy.Rights = rules.Rights
	}
	if job.Sitemaps {
		policy.Sitemaps = located(rules.sitemaps, u)
	}
	return policy
}

// located parses the addresses of sitemaps. They should be absolute; others are resolved
// against the origin of u. It omits what is not a URL.
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

// refuse returns the robots policy when there are no rules, for now or for good.
func (r *Robots) refuse(rec record, tries int) fetched.RobotsPolicy {
	if rec.givenUp(tries) {
		return fetched.RobotsPolicy{Unavailable: rec.text, Class: rec.class}
	}
	return fetched.RobotsPolicy{Unavailable: rec.text, Class: rec.class,
		Again: max(rec.again(r.now()), time.Millisecond)}
}
