package main

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostTallied bounds the hosts of which a crawl keeps figures for its summary.
const mostTallied = 100_000

// tally gathers, from the reports of visits, which hosts were large and slow.
// It is safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	hosts map[crawler.Host]*hostTally
	// troubles are the first URLs that were not fetched as they should, and why.
	troubles []string
}

// mostTroubles is how many troubles a summary tells.
const mostTroubles = 5

type hostTally struct {
	host   crawler.Host
	pages  int64
	bytes  int64
	asked  int64
	answer time.Duration
}

// mean is the time that the host took for an answer.
func (h *hostTally) mean() time.Duration { return h.answer / time.Duration(max(1, h.asked)) }

func newTally() *tally { return &tally{hosts: make(map[crawler.Host]*hostTally)} }

func (t *tally) note(r crawler.Report) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Trouble != "" && len(t.troubles) < mostTroubles {
		t.troubles = append(t.troubles, r.Trouble)
	}
	h := t.hosts[r.Host]
	if h == nil {
		if r.Asked == 0 || len(t.hosts) >= mostTallied {
			return
		}
		h = &hostTally{host: r.Host}
		t.hosts[r.Host] = h
	}
	h.pages += r.Pages
	h.bytes += r.Bytes
	h.asked += r.Asked
	h.answer += r.Answer
}

// top returns the n first hosts in an order.
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
