package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// trial is one crawl of one corpus by one contestant.
type trial struct {
	corpus, name string
	round        int
	took         time.Duration
	usage
	verdict
	failure string // why there are no figures; "" when there are
	late    bool   // it failed because it took too long
}

// rate is pages a second.
func (t trial) rate() float64 { return float64(t.pages) / t.took.Seconds() }

// perPage is CPU time a page, in milliseconds, Redis's included.
func (t trial) perPage() float64 { return t.cpu.Seconds() * 1000 / float64(t.pages) }

// redisPerPage is Redis's part of perPage.
func (t trial) redisPerPage() float64 { return t.redis.Seconds() * 1000 / float64(t.pages) }

// trouble is why there are no figures, as an error; nil when there are.
func (t trial) trouble() error {
	if t.failure == "" {
		return nil
	}
	return errors.New(t.failure)
}

// arena is what all trials have in common.
type arena struct {
	tools   *tools
	temp    string
	workers int // of nginx
	limit   time.Duration
	truths  map[string]truth // by corpus
}

func newArena(o options, t *tools, temp string) *arena {
	return &arena{tools: t, temp: temp, workers: o.workers, limit: o.limit, truths: map[string]truth{}}
}

// learn finds the truth of a corpus.
func (a *arena) learn(ctx context.Context, c corpus) error {
	dir, err := os.MkdirTemp(a.temp, "site-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := serve(ctx, c.dir(), dir, a.workers)
	if err != nil {
		return err
	}
	defer s.close()
	found, err := check(ctx, s)
	if err != nil {
		return fmt.Errorf("check the links of %s: %w", c.name, err)
	}
	a.truths[c.name] = found
	return nil
}

// errLate says that a crawl took longer than -limit.
var errLate = errors.New("too slow")

// try lets a contestant crawl a corpus. What goes wrong is in the trial.
func (a *arena) try(ctx context.Context, c corpus, who contestant, round int) trial {
	t := trial{corpus: c.name, name: who.name, round: round}
	if err := a.crawl(ctx, c, who, &t); err != nil {
		t.failure, t.late = err.Error(), errors.Is(err, errLate)
	}
	return t
}

func (a *arena) crawl(ctx context.Context, c corpus, who contestant, t *trial) error {
	ctx, cancel := context.WithTimeoutCause(ctx, a.limit, fmt.Errorf("%w: not done after %v", errLate, a.limit))
	defer cancel()
	dir, err := os.MkdirTemp(a.temp, who.name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	nginx := filepath.Join(dir, "nginx")
	if err := os.Mkdir(nginx, 0o700); err != nil {
		return err
	}
	site, err := serve(ctx, c.dir(), nginx, a.workers)
	if err != nil {
		return err
	}
	s := &stage{family: newFamily(), tools: a.tools, url: site.url, dir: dir}
	err = t.time(ctx, who, s)
	var stopped error
	t.usage, stopped = s.end()
	closed := site.close()
	for _, err := range []error{err, stopped, closed} {
		if err != nil {
			return err
		}
	}
	return t.verify(a.truths[c.name], who, site, s)
}

// time prepares a crawl and carries it out.
func (t *trial) time(ctx context.Context, who contestant, s *stage) error {
	if who.prepare != nil {
		if err := who.prepare(ctx, s); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	start := time.Now()
	err := who.crawl(ctx, s)
	t.took = time.Since(start)
	if err == nil && who.inspect != nil {
		err = who.inspect(ctx, s)
	}
	return err
}

// verify compares what was fetched and written with the truth.
func (t *trial) verify(found truth, who contestant, site *site, s *stage) (err error) {
	var e evidence
	if e.fetched, err = readLog(site.log); err != nil {
		return err
	}
	if who.records != "" {
		if e.written, err = readRecords(s.path(who.records)); err != nil {
			return err
		}
	}
	t.verdict = found.judge(e)
	if t.pages == 0 {
		return fmt.Errorf("it fetched no page of %d", len(found.pages))
	}
	return nil
}
