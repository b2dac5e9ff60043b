package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// maxTallied is the largest number of hosts that a crawl keeps figures of for its summary.
const maxTallied = 100_000

// tally collects from the reports of visits which hosts were large and which were slow. It
// is safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	hosts map[crawler.Host]*hostTally
	// troubles are the first URLs that could not be fetched properly, and why.
	troubles []string
	resting  hostRest      // the last host that was left alone; zero for none
	rests    chan hostRest // pauses to report
}

// maxTroubles is the number of troubles in a summary.
const maxTroubles = 5

type hostTally struct {
	host   crawler.Host
	pages  int64
	bytes  int64
	asked  int64
	answer time.Duration
}

// mean returns the average time that the host took to answer.
func (h *hostTally) mean() time.Duration { return h.answer / time.Duration(max(1, h.asked)) }

func newTally() *tally {
	return &tally{hosts: make(map[crawler.Host]*hostTally), rests: make(chan hostRest, 8)}
}

func (t *tally) note(r queue.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Trouble != "" && len(t.troubles) < maxTroubles {
		t.troubles = append(t.troubles, r.Trouble)
	}
	h := t.hosts[r.Host]
	if h == nil {
		if r.Requested == 0 || len(t.hosts) >= maxTallied {
			return
		}
		h = &hostTally{host: r.Host}
		t.hosts[r.Host] = h
	}
	h.pages += r.Pages
	h.bytes += r.Bytes
	h.asked += r.Requested
	h.answer += r.Answer
}

// top returns the first n hosts in the given order.
func (t *tally) top(n int, order func(a, b *hostTally) int) []*hostTally {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*hostTally, 0, len(t.hosts))
	for _, h := range t.hosts {
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b *hostTally) int { return cmp.Or(order(a, b), cmp.Compare(a.host, b.host)) })
	return all[:min(n, len(all))]
}

func byPages(a, b *hostTally) int   { return cmp.Compare(b.pages, a.pages) }
func bySlowest(a, b *hostTally) int { return cmp.Compare(b.mean(), a.mean()) }

// hostRest is a host that is left alone for a while.
type hostRest struct {
	host   crawler.Host
	reason string // why: it refused a request, or could not be reached
	until  time.Time
}

// String describes the pause as of now.
func (r hostRest) String() string {
	return fmt.Sprintf("%s: %s; asked again in %s", r.host, r.reason, pauseText(time.Until(r.until)))
}

// pauseText formats a duration: to the second, if it is ten seconds or longer.
func pauseText(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

const (
	leastRest = 500 * time.Millisecond // shorter pauses are not reported
	maxRests  = 50                     // the largest number of lines about pauses
)

// rest records that a host is left alone. It does not block.
func (t *tally) rest(h crawler.Host, reason string, wait time.Duration) {
	r := hostRest{h, reason, time.Now().Add(wait)}
	t.mu.Lock()
	t.resting = r
	t.mu.Unlock()
	if wait < leastRest {
		return
	}
	select {
	case t.rests <- r:
	default: // a crawl of many hosts, which prints no pauses
	}
}

// last returns the host that was left alone last, if the pause is not over.
func (t *tally) last() (r hostRest, resting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.resting, time.Now().Before(t.resting.until)
}

// sayRests says at once why a crawl of a single host stands still, until ctx ends. look
// reads the counters.
func (t *tally) sayRests(ctx context.Context, look func(context.Context) (snapshot, error)) {
	for said := 0; said < maxRests; {
		var r hostRest
		select {
		case <-ctx.Done():
			return
		case r = <-t.rests:
		}
		if s, err := look(ctx); err != nil || s.counters.Hosts > 1 {
			continue
		}
		if stderr.live() {
			stderr.clear()
		}
		fmt.Fprintf(stderr, "trawl: %s\n", r)
		said++
	}
}
