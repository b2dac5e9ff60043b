package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// SpillConfig configures how waiting URLs, and which URLs were seen, are moved out of Redis when it
// nears its budget of memory.
type SpillConfig struct {
	// Budget is how much memory Redis may use, in bytes. Default: three quarters of its maxmemory, if
	// that is set and Where is, or the results go to a bucket.
	Budget int64
	// Where is the folder or bucket that they are moved to, which all workers must reach.
	// Default: .spill beneath the results, if they go to a bucket or there is a Budget.
	Where string
}

// Spilling begins before the crawl slows down (slowFrom), and ends a little below that.
const (
	spillFrom  = 0.85            // part of the budget
	spillTo    = 0.8             // part of the budget
	budgetPart = 0.75            // part of maxmemory that is the budget by default
	spillLong  = 2 * time.Minute // between two looks during a lull
	sweepEvery = 2 * time.Minute
	// After nothing was left to spill, or spilling failed, nothing is looked for until spillPause, and
	// spillRests times as long as the look took, have passed.
	spillPause = 5 * time.Second
	spillRests = 20
	// spillTells is how long a failure to read spilled URLs counts.
	spillTells = time.Minute
)

// hiddenSpill is the folder beneath the results for spilled URLs. Jobs have no such names.
const hiddenSpill = ".spill"

// CheckSpill makes the folder for spilled URLs, or checks that the bucket can be written. setting is
// the user's term for the setting that names it.
func CheckSpill(ctx context.Context, where, setting string) error {
	if where == "" {
		return nil
	}
	if inMemory(where) {
		return fmt.Errorf("waiting URLs cannot be spilled to %q, which is gone when this process ends; name a folder or a bucket with %s", where, setting)
	}
	ctx, cancel := context.WithTimeout(ctx, checkTerm)
	defer cancel()
	place, err := output.Open(ctx, where)
	if err != nil {
		return fmt.Errorf("waiting URLs cannot be spilled: %w", err)
	}
	if !output.IsBucket(where) {
		err = os.MkdirAll(where, 0o755)
	}
	if err == nil {
		err = place.Check(ctx)
	}
	if err = errors.Join(err, place.Close()); err != nil {
		return fmt.Errorf("waiting URLs cannot be spilled to %q: %w; name another place with %s", where, err, setting)
	}
	return nil
}

// inMemory reports whether a place exists only in this process.
func inMemory(where string) bool { return strings.HasPrefix(where, "mem:") }

// withDefaults returns the configuration of a worker whose results go to a place.
func (c SpillConfig) withDefaults(out *Outlet) SpillConfig {
	if c.Where == "" && out.sink == nil && !inMemory(out.cfg.Where) && (c.Budget > 0 || output.IsBucket(out.cfg.Where)) {
		c.Where = output.Join(out.cfg.Where, hiddenSpill)
	}
	if whole, err := filepath.Abs(c.Where); err == nil && c.Where != "" && !output.IsBucket(c.Where) {
		c.Where = whole // other processes have other working directories
	}
	return c
}

// openSpillPlace opens a place with spilled URLs.
func openSpillPlace(ctx context.Context, where string) (frontier.SpillPlace, error) {
	ctx = context.WithoutCancel(ctx)
	path, query, asked := strings.Cut(where, "?")
	parent, ok := strings.CutSuffix(path, "/"+hiddenSpill)
	if !ok || !output.IsBucket(where) {
		return output.Open(ctx, where)
	}
	if asked {
		parent += "?" + query
	}
	bucket, err := output.Open(ctx, parent) // file:// opens no folder that does not exist yet
	if err != nil {
		return nil, err
	}
	return bucket.In(hiddenSpill), nil
}

// spiller keeps Redis within its budget of memory: it moves waiting URLs that lie deep in queues to
// a folder or bucket, and then the fingerprints of seen URLs. Visits bring waiting URLs back by
// themselves, and look into the place for fingerprints.
type spiller struct {
	conn   *Connection
	worker string
	cfg    SpillConfig
	meters *workerMeters
	jobs   func() []crawler.Status // that the worker serves and that have not ended

	begun   bool // spilling was announced
	full    bool // that nothing is left to spill was announced
	rests   time.Time
	swept   time.Time
	objects int // in the place, when it was swept last

	mu      sync.Mutex
	failure error
	failed  time.Time
}

// newSpiller returns the spiller of a worker, which reads spilled URLs whether or not it spills
// any.
func newSpiller(conn *Connection, worker string, cfg SpillConfig, meters *workerMeters,
	jobs func() []crawler.Status) *spiller {
	s := &spiller{conn: conn, worker: worker, cfg: cfg, meters: meters, jobs: jobs, objects: 1}
	conn.Store.HearSpills(s.broughtBack)
	conn.Store.SpillTo(cfg.Where)
	conn.Ready.Also(s.trouble)
	return s
}

// run spills and sweeps until ctx ends.
func (s *spiller) run(ctx, hard context.Context) {
	if s.cfg.Where == "" {
		return
	}
	for {
		s.sweep(ctx)
		if !s.conn.lull.On() {
			s.look(ctx)
		}
		over, ended := s.conn.lull.Pause(memoryAsks, spillLong)
		select {
		case <-over:
		case <-ended:
		case <-ctx.Done():
			s.leave(hard)
			return
		}
	}
}

// limit returns the budget; 0 for none.
func (s *spiller) limit(v redisconn.Vitals) int64 {
	if s.cfg.Budget > 0 {
		return s.cfg.Budget
	}
	return int64(budgetPart * float64(v.MaxMemory))
}

// look spills if the budget is nearly used up.
func (s *spiller) look(ctx context.Context) {
	v, err := s.conn.Store.Vitals(ctx)
	if err != nil {
		return // the worker's other calls meet the error as well
	}
	if s.cfg.Budget > 0 {
		_ = s.conn.Store.SetBudget(ctx, s.cfg.Budget) // a full Redis refuses it, and slows the crawl itself
	}
	limit := s.limit(v)
	switch {
	case limit == 0 || isWithin(v, limit, spillFrom):
		s.calm(v, limit)
		return
	case time.Now().Before(s.rests):
		return
	}
	if holds, err := s.conn.Store.HoldSpiller(ctx, s.worker); err != nil || !holds {
		return
	}
	err = s.spill(ctx, v, limit)
	if leaving := s.conn.Store.LeaveSpiller(ctx, s.worker); err == nil {
		err = leaving
	}
	if err != nil && ctx.Err() == nil {
		s.conn.complain("URLs cannot be spilled; fewer visits begin when Redis has nearly used its memory", err,
			"place", s.cfg.Where)
	}
}

// isWithin reports whether Redis uses at most a part of the limit.
func isWithin(v redisconn.Vitals, limit int64, part float64) bool {
	return float64(v.Memory) <= part*float64(limit)
}

// calm says that Redis is within its budget, if it was not.
func (s *spiller) calm(v redisconn.Vitals, limit int64) {
	if s.begun || s.full {
		s.conn.Log.Info("Redis is within its budget of memory", "used", plain.Bytes(v.Memory),
			"budget", plain.Bytes(limit))
	}
	s.begun, s.full, s.rests = false, false, time.Time{}
}

// spillable is a part of a job that can be moved out of Redis.
type spillable struct {
	seen bool          // fingerprints of seen URLs, rather than waiting URLs
	keep int           // blocks at the front of each queue that stay
	idle time.Duration // for which no one has looked at what is moved of seen
}

// spillOrder is what is moved out of Redis, in this order. To look up a link in what was moved of
// seen costs a read, so this comes after waiting URLs, which are read once, and begins with what is
// looked up least.
var spillOrder = []spillable{{keep: 1}, {keep: 0}, {seen: true, idle: time.Hour}, {seen: true, idle: time.Minute},
	{seen: true}}

// spill moves it to a place, until enough returns true.
func (p spillable) spill(ctx context.Context, f *frontier.Frontier, where string,
	enough func(frontier.Spilled) (bool, error)) error {
	if p.seen {
		return f.SpillSeen(ctx, where, p.idle, enough)
	}
	return f.Spill(ctx, where, p.keep, enough)
}

// spill moves URLs out of Redis until it uses clearly less than its budget, or nothing is left to
// move.
func (s *spiller) spill(ctx context.Context, v redisconn.Vitals, limit int64) error {
	if !s.begun {
		s.begun = true
		s.conn.Log.Info("Redis has nearly used its budget of memory: waiting URLs that lie deep in queues are spilled",
			"used", plain.Bytes(v.Memory), "budget", plain.Bytes(limit), "place", s.cfg.Where)
	}
	began := time.Now()
	enough, err := s.spillInOrder(ctx, limit)
	if enough {
		return err
	}
	s.rests = time.Now().Add(max(spillPause, spillRests*time.Since(began)))
	if err != nil {
		return err
	}
	if !s.full {
		s.full = true
		s.conn.Log.Warn("all URLs that can be are spilled, and Redis still has nearly used its budget of memory: "+
			"fewer visits begin above nine tenths of it; raise --redis-budget, or remove jobs that you no longer need (trawl job rm)",
			"budget", plain.Bytes(limit))
	}
	return nil
}

// spillInOrder moves URLs of all jobs, and reports whether that was enough.
func (s *spiller) spillInOrder(ctx context.Context, limit int64) (enough bool, err error) {
	for _, some := range spillOrder {
		for _, job := range s.jobs() {
			if enough, err = s.spillJob(ctx, job, some, limit); enough || err != nil {
				return enough, err
			}
		}
	}
	return false, nil
}

// spillJob moves some URLs of a job, and reports whether that was enough.
func (s *spiller) spillJob(ctx context.Context, job crawler.Status, some spillable,
	limit int64) (enough bool, err error) {
	name := job.Job.Name
	err = some.spill(ctx, s.conn.Store.Frontier(job.Job), s.cfg.Where, func(moved frontier.Spilled) (bool, error) {
		s.meters.spilled(name, moved, some.seen)
		s.objects++
		if _, err := s.conn.Store.HoldSpiller(ctx, s.worker); err != nil {
			return false, err
		}
		v, err := s.conn.Store.Vitals(ctx)
		enough = err == nil && isWithin(v, limit, spillTo)
		return enough, err
	})
	if err != nil && ctx.Err() == nil {
		s.meters.spillFailures.WithLabelValues(name).Inc()
	}
	return enough, err
}

// sweep removes objects that nothing refers to, now and then while there are some.
func (s *spiller) sweep(ctx context.Context) {
	if s.objects == 0 || time.Since(s.swept) < sweepEvery {
		return
	}
	s.swept = time.Now()
	left, err := s.conn.Store.SweepSpills(ctx, s.cfg.Where, false)
	if err != nil {
		if ctx.Err() == nil {
			s.conn.warn("spilled URLs that are no longer needed cannot be removed", "place", s.cfg.Where, "error", err)
		}
		return
	}
	s.objects = left
}

// leave removes all objects at the end of a process that has its Redis to itself, if its jobs have
// ended: nothing refers to them.
func (s *spiller) leave(hard context.Context) {
	if !s.conn.Store.Private() || s.objects == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(hard, flushTerm)
	defer cancel()
	all, err := s.conn.Store.Statuses(ctx)
	if err != nil {
		return
	}
	for _, job := range all {
		if !job.State.Ended() {
			return
		}
	}
	if _, err := s.conn.Store.SweepSpills(ctx, s.cfg.Where, true); err != nil {
		s.conn.Log.Warn("spilled URLs that are no longer needed cannot be removed", "place", s.cfg.Where, "error", err)
	}
}

// broughtBack records what came of reading a spilled block for a visit; urls is 0 if it has
// fingerprints of seen URLs.
func (s *spiller) broughtBack(job string, urls int, err error) {
	s.mu.Lock()
	again := err == nil && s.failure != nil
	if s.failure = err; err != nil {
		s.failed = time.Now()
	}
	s.mu.Unlock()
	switch {
	case err != nil:
		s.meters.spillFailures.WithLabelValues(job).Inc()
		s.conn.complain("spilled URLs cannot be read; what needs them waits, and continues by itself once that is fixed", err,
			"job", job)
	case again:
		s.conn.Log.Info("spilled URLs can be read again", "job", job)
	}
	if urls > 0 && err == nil {
		s.meters.broughtBack.WithLabelValues(job).Add(float64(urls))
	}
}

// trouble returns why spilled URLs cannot be read; nil if they can.
func (s *spiller) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil || time.Since(s.failed) > spillTells {
		return nil
	}
	return s.failure
}
