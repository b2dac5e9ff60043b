//go:build unix

package frontier

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

const (
	// spilledSeenTarget is the limit for the bytes of Redis of a seen URL whose bucket is spilled.
	spilledSeenTarget = 2.7
	// seenPages is how many pages of URLs each host has.
	seenPages = 40
	// seenRounds is how often the cost of a hundred pages is measured.
	seenRounds = 11
)

// TestTheCostOfASpilledSeenURL fills its own Redis with hosts of thousands of URLs each, and spills
// seen. With -v it logs the memory per URL, and the processor time to admit URLs, new and seen
// before, with all buckets spilled and in another Redis with none. It is enabled as TestTheCostOfAURL
// is, or for a quick look:
//
//	TRAWL_BENCH=200k  with 200,000 URLs
func TestTheCostOfASpilledSeenURL(t *testing.T) {
	urls, ok := map[string]int{"200k": 2e5, "1": 1e6, "10m": 1e7}[os.Getenv("TRAWL_BENCH")]
	if !ok {
		t.Skip("the test fills a Redis with millions of URLs: run make memory")
	}
	filled := func() *filler {
		c := newFiller(t, privateRedis(t))
		c.perHost = seenPages
		c.fill(urls)
		c.dropAllButSeen()
		return c
	}
	plain, c := filled(), filled()
	place := folderPlace{newSpillFolder(), t.TempDir()}
	c.store.OpenSpills(func(context.Context, string) (SpillPlace, error) { return place, nil })
	c.bounded("a URL that was seen", c.seenMemory(), seenTarget)
	spent, own, began := processorTime(t.Context(), c.rdb), ownTime(t), time.Now()
	spilled := c.spillSeen()
	took, redis := time.Since(began), processorTime(t.Context(), c.rdb)-spent
	t.Logf("%d fingerprints of %d buckets were spilled in %v, %.2f µs of Redis and %.2f of the client each", spilled.URLs,
		spilled.Blocks, took.Round(time.Millisecond), micros(redis)/float64(spilled.URLs),
		micros(ownTime(t)-own)/float64(spilled.URLs))
	c.bounded("a URL that was seen, and is spilled,", c.seenMemory(), spilledSeenTarget)
	for _, known := range []bool{true, false} {
		sets, filters := compareCosts(plain, c, known)
		t.Logf("a URL (seen before: %v) takes %v without, %v with spilled buckets", known, sets, filters)
	}
	c.forgets = true
	sets, filters := compareCosts(plain, c, true)
	t.Logf("a URL seen before takes %v without, %v with spilled buckets that the client has to read", sets, filters)
}

// folderPlace is a folder in which blocks are read as they are in any: the file is opened each time.
type folderPlace struct {
	SpillPlace
	dir string
}

func (p folderPlace) Put(_ context.Context, name string, content io.ReadSeeker, _ int64) error {
	b, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.dir, name), b, 0o644)
}

func (p folderPlace) ReadPart(_ context.Context, name string, offset, length int64) ([]byte, error) {
	file, err := os.Open(filepath.Join(p.dir, name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, length)
	_, err = file.ReadAt(b, offset)
	return b, err
}

// forget forgets all blocks.
func (m *seenMemory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old, m.size = nil, nil, 0
}

// seenMemory returns how many bytes the keys take, which are those of seen, for each URL. It does not
// depend on what Redis needs for scripts and connections, as [filler.memory] does.
func (c *filler) seenMemory() float64 {
	c.t.Helper()
	total := int64(0)
	err := c.store.scan(c.t.Context(), anyKey(c.job.Name), func(ctx context.Context, node redis.Cmdable,
		keys []string) error {
		sizes := make([]*redis.IntCmd, len(keys))
		_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range keys {
				sizes[i] = p.MemoryUsage(ctx, key, 0)
			}
			return nil
		})
		for _, size := range sizes {
			total += size.Val()
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return float64(total) / float64(c.urls())
}

// cost is the processor time to admit a URL, in µs.
type cost struct{ redis, own float64 }

func (c cost) String() string {
	return fmt.Sprintf("%.2f µs of Redis and %.2f of the client", c.redis, c.own)
}

// compareCosts returns the median costs of two fillers, in turns: of URLs that are new, or of pages
// that were admitted before, by a process that does not remember them.
func compareCosts(a, b *filler, known bool) (cost, cost) {
	var of [2][]cost
	for round := range seenRounds {
		for i, c := range []*filler{a, b} {
			of[i] = append(of[i], c.cost(known, round))
		}
	}
	var medians [2]cost
	for i, all := range of {
		slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(a.redis+a.own, b.redis+b.own) })
		medians[i] = all[len(all)/2]
	}
	return medians[0], medians[1]
}

// cost measures the cost of one hundred pages.
func (c *filler) cost(known bool, round int) cost {
	c.t.Helper()
	pages, fresh := make([][]queue.Entry, 100), pageLinks
	for i := range pages {
		if !known {
			pages[i] = c.nextPage()
			continue
		}
		n := 1 + (round*len(pages)+i)%int(c.pages.Load())
		pages[i], fresh = webPage(c.t, n%c.perHost*2*pageLinks, n/c.perHost), 0
	}
	c.recent.forget()
	redis, own := processorTime(c.t.Context(), c.rdb), ownTime(c.t)
	for _, page := range pages {
		if c.forgets {
			c.store.spills.seen.forget()
		}
		c.admitPage(page, fresh)
	}
	own = ownTime(c.t) - own
	redis = processorTime(c.t.Context(), c.rdb) - redis
	urls := float64(len(pages) * pageLinks)
	return cost{micros(redis) / urls, micros(own) / urls}
}

// ownTime returns the processor time that this process has used.
func ownTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
