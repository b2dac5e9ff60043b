package simulate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/race"
)

// promised lists what the worlds of a campaign may contain: all features. A feature for
// which a promise does not hold yet belongs in TestSeedsThatOnceFailed.
func promised() features {
	return features{shared: true, longDelays: 0.1, depth: 0.3, bucket: 0.4, continuous: *days}
}

// TestSeeds runs the requested number of seeds, or replays one.
func TestSeeds(t *testing.T) {
	t.Parallel()
	if *only >= 0 {
		r := run(t, uint64(*only), Options{features: promised(), Whole: true})
		fmt.Print(r.Trace)
		report(t, r, "")
		return
	}
	if race.Enabled && *count == seeds {
		campaign(t, *from, racedSeeds, Options{features: promised()})
		race.Skip(t)
	}
	total := campaign(t, *from, *count, Options{features: promised()})
	for _, what := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%9d  %s", total[what], what)
	}
	if *count < seeds {
		return
	}
	for _, k := range faultKinds {
		if total[string(k.kind)] == 0 {
			t.Errorf("no seed has the fault %q", k.kind)
		}
	}
}

// campaign runs seeds on all processors and counts what happened in them.
func campaign(t *testing.T, from uint64, n int, o Options) map[string]int {
	t.Helper()
	var next atomic.Uint64
	var mu sync.Mutex
	total := make(map[string]int)
	t.Run("campaign", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1); i <= uint64(n); i = next.Add(1) {
					r := run(t, from+i-1, o)
					report(t, r, fmt.Sprintf("-run 'TestSeeds$' -seed %d", r.Seed))
					mu.Lock()
					for what, n := range r.Counts {
						total[what] += n
					}
					total["seeds"]++
					mu.Unlock()
				}
			})
		}
	})
	return total
}

// report fails the test if the run broke an invariant, and says how to replay it.
func report(t *testing.T, r Result, replay string) {
	t.Helper()
	for _, v := range r.Violations {
		t.Errorf("seed %d: %s: %s", r.Seed, v.Invariant, v.Text)
	}
	if len(r.Violations) > 0 {
		t.Errorf("go test ./internal/test/simulate %s replays it; it ends with\n%s", replay, r.Trace)
	}
}

func TestASeedHasOneTrace(t *testing.T) {
	t.Parallel()
	race.Skip(t) // its runs are those of TestSeeds
	for seed := range uint64(6) {
		one, other := run(t, seed, Options{Whole: true}), run(t, seed, Options{Whole: true})
		if one.Trace != other.Trace {
			t.Errorf("seed %d: %s and %s", seed, one.Sum, other.Sum)
		}
	}
}

// A continuous job keeps to its budget, and meets it where nothing goes wrong and enough is due.
func TestAContinuousJobMeetsItsBudgetForDays(t *testing.T) {
	t.Parallel()
	race.Skip(t) // its runs are like those of TestSeeds
	for seed := range uint64(1) {
		r := run(t, seed, Options{features: features{calm: true}, shape: func(w *world) {
			job := plain(w, 3, 12)
			for _, h := range w.hosts {
				w.hosts[0].pages[0].links = append(w.hosts[0].pages[0].links, h.pages[0])
			}
			w.goOn(rand.New(rand.NewPCG(seed, 3)), job, 3*day)
		}})
		report(t, r, "")
		if r.Counts["fetch of a continuous job"] < 100 {
			t.Errorf("seed %d: %d pages were fetched", seed, r.Counts["fetch of a continuous job"])
		}
	}
}
