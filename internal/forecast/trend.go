package forecast

import (
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// growth is how many more URLs a crawl is likely to find.
type growth struct {
	bounded bool    // most is known
	most    float64 // more URLs than are found so far, at most
	rising  bool    // no bound is in sight: it finds ever more
}

// trendOf measures the speed over several parts of the samples, and what they say about URLs
// that will be found.
func trendOf(samples []Sample) trend {
	t := trend{growth: growthOf(samples)}
	for _, part := range []int{1, 2, 4} {
		from := len(samples) - len(samples)/part
		p := PaceOf(samples[from:])
		if part > 1 && len(samples)-from < shortest {
			break
		}
		t.slow, t.fast = t.slow.least(p), t.fast.most(p)
	}
	t.slow, t.fast = t.slow.times(1-margin), t.fast.times(1+margin)
	return t
}

// margin is by how much the speed until the end is expected to differ from the measured one.
const margin = 0.2

func (p Pace) times(by float64) Pace { return Pace{p.Pages * by, p.Settled * by, p.Bytes * by} }

// shortest is the fewest samples over which a part of them has a speed.
const shortest = 5

// least returns the lower of each speed, without those that are unknown.
func (p Pace) least(q Pace) Pace {
	lower := func(a, b float64) float64 {
		if a == 0 || b > 0 && b < a {
			return b
		}
		return a
	}
	return Pace{lower(p.Pages, q.Pages), lower(p.Settled, q.Settled), lower(p.Bytes, q.Bytes)}
}

// most returns the higher of each speed.
func (p Pace) most(q Pace) Pace {
	return Pace{max(p.Pages, q.Pages), max(p.Settled, q.Settled), max(p.Bytes, q.Bytes)}
}

// growthOf extrapolates how many URLs are found. A crawl of a site finds fewer and fewer new
// ones: what is found while as many URLs are settled shrinks by about the same factor each
// time (for links that lead anywhere with the same probability, exactly). So the series of
// finds has a limit (Aitken's delta-squared process). The bound assumes that they shrink half as
// fast.
func growthOf(samples []Sample) growth {
	if len(samples) < 3 {
		return growth{}
	}
	last := samples[len(samples)-1]
	from := samples[0]
	for _, s := range samples { // what was found in the first half says little about the end
		if from = s; s.Settled >= last.Settled/2 {
			break
		}
	}
	middle := (from.Settled + last.Settled) / 2
	if middle <= from.Settled {
		return growth{}
	}
	seen := seenAt(samples, middle)
	earlier, later := seen-float64(from.Seen), float64(last.Seen)-seen
	shrink := (max(0, later) + 1) / (max(0, earlier) + 1)
	if later < 1 {
		return growth{bounded: true}
	}
	if shrink = (1 + shrink) / 2; shrink >= 0.95 {
		return growth{rising: true}
	}
	return growth{bounded: true, most: later * shrink / (1 - shrink)}
}

// seenAt returns how many URLs were found when a number of them was settled, interpolated.
func seenAt(samples []Sample, settled int64) float64 {
	for i, s := range samples[1:] {
		if s.Settled < settled {
			continue
		}
		before := samples[i]
		if s.Settled == before.Settled {
			return float64(s.Seen)
		}
		part := float64(settled-before.Settled) / float64(s.Settled-before.Settled)
		return float64(before.Seen) + part*float64(s.Seen-before.Seen)
	}
	return float64(samples[len(samples)-1].Seen)
}

// slowestHost returns the host that needs the longest for its waiting URLs, and how long it needs
// from now until it is asked for the last of them.
func slowestHost(hosts []crawler.HostStatus) (last crawler.HostStatus, takes time.Duration) {
	for _, h := range hosts {
		if h.Waiting == 0 || h.Rules.Paused || h.GivenUp {
			continue
		}
		if d := h.Due + time.Duration(h.Waiting-1)*h.Interval; d > takes {
			last, takes = h, d
		}
	}
	return last, takes
}

// covers reports whether nearly all waiting URLs are those of the hosts.
func covers(hosts []crawler.HostStatus, waiting int64) bool {
	held := int64(0)
	for _, h := range hosts {
		held += h.Waiting
	}
	return held >= waiting*9/10
}

// interval formats the time between two requests to a host.
func interval(h crawler.HostStatus) string { return h.Interval.Round(10 * time.Millisecond).String() }

func urls(n int64) string {
	if n == 1 {
		return "1 URL"
	}
	return fmt.Sprintf("%d URLs", n)
}
