package frontier

import (
	"fmt"
	"math"
	"testing"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
)

func TestTheImportanceOfPrioritiesIsToldFromThatOfLinks(t *testing.T) {
	t.Parallel()
	for _, band := range queue.BandOrder {
		own := recrawl.Importance(importanceOf(queue.Entry{Band: band}))
		importance := own
		for _, value := range []int{3, 0, mostLinked, 1, mostLinked} {
			before := recrawl.State{Importance: own}.Weight()
			importance = linkedImportance(importance, value)
			got := recrawl.State{Importance: importance}.Weight() / before
			if want := math.Exp(float64(value) / 4); math.Abs(got/want-1) > 1e-9 {
				t.Errorf("in band %d, links of the value %d add a factor of %.2f, want %.2f", band, value, got, want)
			}
		}
	}
}

// The largest value is about the logarithm of how many hosts there are.
func TestTheValueOfLinksCountsHosts(t *testing.T) {
	t.Parallel()
	const pages = 200
	mean := func(hosts int) float64 {
		sum := 0
		for page := range pages {
			most := 0
			for host := range hosts {
				most = max(most, linkValue(uint64(page)*0x9e3779b97f4a7c15, fmt.Sprintf("h%d.test", host)))
			}
			sum += most
		}
		return float64(sum) / pages
	}
	one, eight, many := mean(1), mean(8), mean(1000)
	if one > 1.3 || eight < 2.5 || eight > 4.2 || many != mostLinked {
		t.Errorf("links of one host have the value %.2f, of eight %.2f, of a thousand %.2f", one, eight, many)
	}
}

// Registers become more without forgetting.
func TestRegistersOfLinksGrow(t *testing.T) {
	t.Parallel()
	onEach(t, t.Name(), func(t *testing.T, address string) {
		b := newContinuousJob(t, address, 1)
		var done []queue.Settlement
		for i := range 300 {
			e := queue.Entry{URL: url(t, fmt.Sprintf("http://a.test/%d", i)), Referrer: url(t, "http://b.test/")}
			_, err := b.Admit(t.Context(), []queue.Entry{e})
			b.must(err)
			done = append(done, queue.Settlement{Page: queue.Sighting{Entry: e}})
		}
		_, before, err := b.linked(t.Context(), done)
		b.must(err)
		b.must(b.link(t.Context(), []any{100_000}))
		_, after, err := b.linked(t.Context(), done)
		b.must(err)
		sum := 0
		for i := range before {
			if sum += before[i]; after[i] != before[i] {
				t.Fatalf("page %d had the value %d, and has %d", i, before[i], after[i])
			}
		}
		if size := b.rdb.StrLen(t.Context(), jobBase(b.job.Name)+nameLinks).Val(); size != 1<<16 || sum == 0 {
			t.Errorf("the registers take %d bytes, want %d; the sum of the values is %d", size, 1<<16, sum)
		}
	})
}
