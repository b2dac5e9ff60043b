package frontier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// This file steers a continuous job to its budget: from time to time one scheduler looks at a
// sample of the tracked pages, and stores with the job the threshold of the crawl value at which
// pages are due.

const (
	steerEvery = time.Minute
	// quietSteer is how long a step is skipped if nothing has happened since the last one.
	quietSteer = 10 * time.Minute
	// The sample: blocks of pages, until there are enough pages or blocks.
	samplePages  = 100_000
	sampleBlocks = 2_000
	sampleBatch  = 50 // blocks read in one round trip
)

// course is how a continuous job is steered, as the process last read it. It is immutable.
type course struct {
	set       crawler.Recrawl // with defaults
	values    rules.PageValues
	revision  int64 // of the settings
	threshold recrawl.Threshold
}

// courseOf returns the course of a job. If the threshold cannot be read, the job is steered as one
// that has just begun, until the next step replaces it. before saves compiling the same settings
// again.
func courseOf(set crawler.Recrawl, revision int64, threshold string, before *course) *course {
	c := &course{set: set.WithDefaults(), revision: revision}
	if before != nil && before.revision == revision {
		c.values = before.values
	} else {
		c.values, _ = rules.NewPageValues(set) // they were checked when they were set
	}
	c.threshold, _ = recrawl.ParseThreshold([]byte(threshold))
	return c
}

// rates returns how many URLs a day may now be fetched again, and how many for the first time.
func (c *course) rates() (again, fresh float64) {
	if c.threshold == (recrawl.Threshold{}) { // a job that has just begun: the first step follows within seconds
		return c.set.Budget.PerDay(), c.set.Budget.PerDay()
	}
	return c.threshold.Again, c.threshold.New
}

// stateOf returns a state with the importance that the settings give the page; false if it is
// not to be fetched again.
func (c *course) stateOf(s recrawl.State, u crawler.URL) (recrawl.State, bool) {
	value := 1.0
	if len(c.values) > 0 {
		value = c.values.Of(u)
	}
	if value != 1 {
		s.Importance = recrawl.Importance(value * recrawl.State{Importance: s.Importance}.Weight())
	}
	return s, value > 0
}

// never is how long after now a page is due that is not to be fetched again. Its block is looked at
// before that.
const never = 365 * 24 * time.Hour

// due returns when a page is due.
func (c *course) due(s recrawl.State, u crawler.URL, now time.Time) time.Time {
	s, again := c.stateOf(s, u)
	if !again {
		return now.Add(never)
	}
	return c.dueAt(s)
}

// dueAt returns when a page with the importance of the settings is due.
func (c *course) dueAt(s recrawl.State) time.Time {
	return s.Due(c.threshold.Value, c.set.Min, c.set.Max)
}

// isDue reports whether the page is due at a time. It is faster than dueAt.
func (c *course) isDue(s recrawl.State, at time.Time) bool {
	return s.IsDue(c.threshold.Value, c.set.Min, c.set.Max, at)
}

// course returns how the job is steered, as last read.
func (f *Frontier) course() *course {
	if c := f.live.course.Load(); c != nil {
		return c
	}
	return courseOf(f.job.Recrawl, 0, "", nil)
}

// continuous reports whether the job is continuous, as last read.
func (f *Frontier) continuous() bool {
	if c := f.live.course.Load(); c != nil {
		return c.set.On()
	}
	return f.job.Recrawl.On()
}

// steered has the values that a step began with. If the next step would begin with the same values
// except the time, it would have the same result.
type steered struct {
	at                                 time.Time
	threshold                          string // as it was stored
	revision                           int64  // of the settings
	tracked, waiting, back, again, new int64  // see [recrawl.Flow]
}

func (s steered) same(later steered) bool {
	quiet := later.at.Sub(s.at)
	s.at = later.at
	return s == later && 0 <= quiet && quiet < quietSteer
}

// Steer computes how much the job may fetch, and stores that with the job: over all processes once
// a minute, or every ten minutes while nothing is fetched or found. It does nothing in a job that
// is not continuous.
func (f *Frontier) Steer(ctx context.Context) error {
	if !f.continuous() {
		return nil
	}
	mine, before, err := f.steer(ctx, "", steerEvery.Milliseconds())
	if err != nil || !mine {
		return err
	}
	counters, err := f.Counters(ctx)
	if err != nil {
		return err
	}
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("frontier: steer %s: %w", f.job.Name, err)
	}
	c := f.course()
	begin := steered{
		at: now, threshold: before, revision: c.revision, tracked: counters.Tracked, back: counters.Back,
		waiting: counters.Waiting + counters.Flight, again: counters.Again, new: requested(counters) - counters.Again,
	}
	if last := f.live.steered.Load(); last != nil && last.same(begin) {
		return nil
	}
	view, err := f.survey(ctx, now, counters.Tracked)
	if err != nil {
		return err
	}
	threshold, _ := recrawl.ParseThreshold([]byte(before)) // if it cannot be read, steering starts over
	threshold = threshold.Step(recrawl.Flow{
		At: now, Budget: c.set.Budget.PerDay(), Shortest: c.set.Min, Longest: c.set.Max, Pages: view.pages,
		Waiting: max(0, begin.waiting-begin.back), Due: begin.back + view.overdue, Again: begin.again, New: begin.new,
	})
	fresh, err := f.freshness(ctx, view, c, now, counters)
	if err != nil {
		return err
	}
	text, err := json.Marshal(fresh)
	if err != nil {
		return fmt.Errorf("frontier: steer %s: %w", f.job.Name, err)
	}
	begin.threshold = string(threshold.Append(nil))
	if _, _, err = f.steer(ctx, before, begin.threshold, text); err != nil {
		return err
	}
	f.live.steered.Store(&begin)
	return f.link(ctx, []any{2 * counters.Tracked}) // room for links: two registers for each page
}

func (f *Frontier) steer(ctx context.Context, args ...any) (ok bool, threshold string, err error) {
	got, err := run(ctx, f.rdb, steerScript(), "steer", jobBase(f.job.Name)+nameJob, args...).StringSlice()
	if err != nil || len(got) != 2 {
		return false, "", err
	}
	return got[0] != "", got[1], nil
}

// requested counts the URLs for which requests were made, once for each try.
func requested(c crawler.Counters) (sum int64) {
	for outcome, n := range c.Outcomes {
		if tracks(outcome) || outcome == crawler.OutcomeRetry {
			sum += n
		}
	}
	return sum
}

// survey is what a sample says about all tracked pages.
type survey struct {
	pages   recrawl.Histogram
	fresh   float64 // the share of the pages ever found that are up to date, all weighted equally
	oldest  time.Time
	overdue int64 // pages that should be queued but are not yet
	next    time.Time
}

// survey samples blocks of all shards. total is the number of tracked pages.
func (f *Frontier) survey(ctx context.Context, now time.Time, total int64) (survey, error) {
	c, view := f.course(), survey{pages: make(recrawl.Histogram)}
	var seen, found, overdue int64
	var fresh float64
	for shard := range f.job.Shards {
		blocks, err := f.sampled(ctx, shard, &view)
		if err != nil {
			return view, err
		}
		for _, b := range blocks {
			for at := range b.pages() {
				state, queued, err := b.state(at)
				if err != nil || state.Last == 0 {
					continue
				}
				if state, err = b.valued(c, at, state); err != nil {
					continue
				}
				seen++
				view.pages[state.Cell()]++
				if !state.Flags.Has(recrawl.Unseen) {
					found++
					fresh += state.Fresh(now)
				}
				if last := time.Unix(int64(state.Last), 0); view.oldest.IsZero() || last.Before(view.oldest) {
					view.oldest = last
				}
				if !queued && c.isDue(state, now) {
					overdue++
				}
			}
		}
	}
	if seen == 0 {
		view.fresh = 1
		return view, nil
	}
	view.fresh = 1
	if found > 0 {
		view.fresh = fresh / float64(found)
	}
	scale := max(1, float64(total)/float64(seen))
	for cell, n := range view.pages {
		view.pages[cell] = int64(math.Round(float64(n) * scale))
	}
	view.overdue = int64(float64(overdue) * scale)
	return view, nil
}

// sampled reads blocks of a shard: all if they are few, otherwise some at random.
func (f *Frontier) sampled(ctx context.Context, shard int, view *survey) ([]block, error) {
	base := f.base(shard)
	all, err := f.rdb.ZCard(ctx, base+nameReturns).Result()
	if err != nil || all == 0 {
		return nil, wrapped("survey", base, err)
	}
	most := min(all, max(1, sampleBlocks/int64(f.job.Shards)))
	members := make([]*redis.ZSliceCmd, 0, most)
	_, err = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		members = append(members, p.ZRangeWithScores(ctx, base+nameReturns, 0, 0))
		if most == all {
			members = append(members, p.ZRangeWithScores(ctx, base+nameReturns, 1, -1))
			return nil
		}
		for range most {
			at := rand.Int64N(all)
			members = append(members, p.ZRangeWithScores(ctx, base+nameReturns, at, at))
		}
		return nil
	})
	if err != nil {
		return nil, wrapped("survey", base, err)
	}
	var blocks []block
	for i, cmd := range members {
		for _, z := range cmd.Val() {
			b, ok := blockNamed(fmt.Sprint(z.Member))
			if !ok {
				continue
			}
			if next := time.UnixMilli(int64(z.Score)); i == 0 && (view.next.IsZero() || next.Before(view.next)) {
				view.next = next
			}
			if i == 0 && most < all {
				continue // the first is not chosen at random
			}
			blocks = append(blocks, b)
		}
	}
	return f.readBlocks(ctx, base, blocks, samplePages/f.job.Shards)
}

// readBlocks reads the slots of blocks until they have most pages, and their names if the job's
// values depend on them.
func (f *Frontier) readBlocks(ctx context.Context, base string, blocks []block, most int) ([]block, error) {
	pages, names := 0, len(f.course().values) > 0
	for from := 0; from < len(blocks); from += sampleBatch {
		batch := blocks[from:min(from+sampleBatch, len(blocks))]
		slots, paths := make([]*redis.StringCmd, len(batch)), make([]*redis.StringCmd, len(batch))
		_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, b := range batch {
				slots[i] = p.Get(ctx, base+b.key(nameStates))
				if names {
					paths[i] = p.Get(ctx, base+b.key(namePaths))
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
			return nil, wrapped("survey", base, err)
		}
		for i := range batch {
			batch[i].slots = slots[i].Val()
			if names {
				batch[i].packed = paths[i].Val()
			}
			pages += batch[i].pages()
		}
		if pages >= most {
			return blocks[:from+len(batch)], nil
		}
	}
	return blocks, nil
}

// freshness returns the figures that people see.
func (f *Frontier) freshness(ctx context.Context, view survey, c *course, now time.Time,
	n crawler.Counters) (crawler.Freshness, error) {
	spent, err := f.spentToday(ctx, now)
	if err != nil {
		return crawler.Freshness{}, err
	}
	const wanted = 0.95
	enough, reached := view.pages.BudgetFor(wanted, c.set.Min, c.set.Max)
	fresh := crawler.Freshness{
		At: now.UTC(), Pages: n.Tracked, UpToDate: view.fresh, Oldest: view.oldest, Budget: c.set.Budget.PerDay(),
		Used: spent, Wanted: wanted, Next: view.next,
	}
	if reached {
		fresh.Enough = math.Ceil(enough)
	}
	return fresh, nil
}

// freshnessOf parses the figures that are stored with a job; nil if there are none.
func freshnessOf(text string) *crawler.Freshness {
	fresh := new(crawler.Freshness)
	if text == "" || json.Unmarshal([]byte(text), fresh) != nil {
		return nil // they are only for display
	}
	return fresh
}

// wrapped says which verb failed where.
func wrapped(verb, base string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("frontier: %s on %s: %w", verb, base, err)
}

// tracks reports whether a continuous job fetches a URL again after this outcome: that of a
// request, or of one that could not be made, rather than of a rule.
func tracks(o crawler.Outcome) bool {
	switch o {
	case crawler.OutcomeFetched, crawler.OutcomeNotModified, crawler.OutcomeRedirected, crawler.OutcomeGone,
		crawler.OutcomeFailed, crawler.OutcomeBlocked, crawler.OutcomePaymentRequired:
		return true
	}
	return false
}
