package frontier

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Prefixes of counter names: URLs that were skipped, by rule, patterns that look like a trap, by
// host and pattern, and URLs that failed, by cause.
const (
	counterCause   = "cause:"
	counterSkipped = "skip:"
	counterTraps   = "muted:"
)

// Counters reads the job's counters.
func (f *Frontier) Counters(ctx context.Context) (crawler.Counters, error) {
	total := crawler.Counters{Outcomes: make(map[crawler.Outcome]int64)}
	for shard := range f.job.Shards {
		if err := f.addShard(ctx, &total, shard); err != nil {
			return crawler.Counters{}, err
		}
	}
	return total, nil
}

// addShard adds the counters of a shard.
func (f *Frontier) addShard(ctx context.Context, c *crawler.Counters, shard int) error {
	got, err := run(ctx, f.rdb, countersScript(), "counters", f.base(shard)).Slice()
	if err != nil {
		return err
	}
	return addCounters(c, got)
}

// addCounters adds the answer of counters.lua.
func addCounters(c *crawler.Counters, got []any) error {
	if len(got) < 6 {
		return fmt.Errorf("frontier: counters: unexpected answer %v", got)
	}
	c.Due += got[0].(int64)
	c.Armed += got[1].(int64)
	c.Open += got[2].(int64)
	c.Ready += got[3].(int64)
	c.Urgent += got[4].(int64)
	if next := got[5].(int64); next >= 0 {
		wait := max(time.Millisecond, time.Duration(next)*time.Millisecond)
		if c.Next == 0 || wait < c.Next {
			c.Next = wait
		}
	}
	for i := 6; i+1 < len(got); i += 2 {
		value, err := strconv.ParseInt(got[i+1].(string), 10, 64)
		if err != nil {
			c.Garbage++ // the next script that updates the counter sets it aside
			continue
		}
		addCounter(c, got[i].(string), value)
	}
	queue.SortTraps(c.Traps)
	return nil
}

func addCounter(c *crawler.Counters, name string, by int64) {
	if outcome, ok := strings.CutPrefix(name, "outcome:"); ok {
		c.Outcomes[crawler.Outcome(outcome)] += by
		return
	}
	if rule, ok := strings.CutPrefix(name, counterSkipped); ok {
		if c.Skipped == nil {
			c.Skipped = make(map[string]int64)
		}
		c.Skipped[rule] += by
		return
	}
	if cause, ok := strings.CutPrefix(name, counterCause); ok {
		if c.Causes == nil {
			c.Causes = make(map[string]int64)
		}
		c.Causes[cause] += by
		return
	}
	if trap, ok := strings.CutPrefix(name, counterTraps); ok {
		host, pattern := queue.ParseTrapName(trap)
		c.Traps = append(c.Traps, crawler.TrapURLs{Host: host, Pattern: pattern, URLs: by})
		return
	}
	fields := map[string]*int64{
		"seen": &c.Seen, "waiting": &c.Waiting, "flight": &c.Flight, "hosts": &c.Hosts,
		"spilled": &c.Spilled, "givenup": &c.HostsGivenUp,
		"visits": &c.Visits, "broken": &c.Broken, "bytes": &c.Bytes, "over": &c.Over, "incomplete": &c.Incomplete,
		"items":     &c.Items,
		"unshipped": &c.Unshipped, "ondisk": &c.OnDisk, "lost": &c.Lost, "shipped": &c.Shipped,
		"reclaimed": &c.Reclaimed,
		"garbage":   &c.Garbage, "mutedmore": &c.MoreTraps,
		"nearer": &c.Nearer, "lowered": &c.Lowered, "known": &c.Known,
		"tracked": &c.Tracked, "back": &c.Back, "again": &c.Again, counterChanged: &c.Changed,
		counterUnchanged: &c.Unchanged,
	}
	if field := fields[name]; field != nil {
		*field += by
	}
}

// Idle reports whether there is nothing left to do: at some moment no host of any shard was
// due, armed or open. Shards can only be read one after another, and a visit in one may
// admit links to another that was just found idle. So they are read twice. If all are idle
// both times and nothing was admitted or visited in between, all were idle at once.
func (f *Frontier) Idle(ctx context.Context) (bool, error) {
	first, err := f.Counters(ctx)
	if err != nil || !first.Idle() || f.job.Shards == 1 {
		return err == nil && first.Idle(), err
	}
	second, err := f.Counters(ctx)
	return err == nil && second.Idle() &&
		second.Seen == first.Seen && second.Visits == first.Visits && second.Lowered == first.Lowered, err
}
