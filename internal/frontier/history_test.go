package frontier

import (
	"fmt"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
)

// pastSamples fills a list of the history with samples that are a period apart, the newest of the
// last period.
func (b *testJob) pastSamples(name string, n int, period time.Duration) {
	b.t.Helper()
	now, err := b.rdb.Time(b.t.Context()).Result()
	b.must(err)
	var all []any
	for i := range n {
		at := now.Add(-time.Duration(i+1) * period).Unix()
		all = append(all, fmt.Sprintf("%d %d 2 3 4", at, n-i))
	}
	b.must(b.rdb.RPush(b.t.Context(), jobBase(b.job.Name)+name, all...).Err())
}

func keepsHistory(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	if h, err := b.store.History(ctx, name); err != nil || len(h.Seconds)+len(h.Minutes) != 0 {
		t.Errorf("a job without a history has %v, %v", h, err)
	}
	if _, err := b.store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated); err != nil {
		t.Fatal(err)
	}
	b.pastSamples(nameSeconds, historySeconds, time.Second)
	b.pastSamples(nameMinutes, historyMinutes, time.Minute)
	done := crawler.Counters{Seen: 900, Waiting: 100, Flight: 7, Bytes: 5,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 700, crawler.OutcomeFailed: 2, crawler.OutcomeGone: 1}}
	b.must(b.store.Record(ctx, name, done))
	b.must(b.store.Record(ctx, name, crawler.Counters{})) // in the same second, or the next
	h, err := b.store.History(ctx, name)
	b.must(err)
	if len(h.Seconds) != historySeconds || len(h.Minutes) != historyMinutes {
		t.Errorf("%d seconds and %d minutes, want %d and %d", len(h.Seconds), len(h.Minutes), historySeconds,
			historyMinutes)
	}
	last := h.Minutes[len(h.Minutes)-1]
	if want := (forecast.Sample{At: last.At, Pages: 700, Settled: 793, Bytes: 5, Failed: 3, Seen: 900}); last != want {
		t.Errorf("the last minute is %+v, want %+v", last, want)
	}
	for i := 1; i < len(h.Seconds); i++ {
		if !h.Seconds[i].At.After(h.Seconds[i-1].At) {
			t.Fatalf("sample %d is not after the one before: %v", i, h.Seconds)
		}
	}
	recent, err := b.store.Recent(ctx, name, 10)
	if err != nil || len(recent) != 10 || recent[9] != h.Seconds[len(h.Seconds)-1] {
		t.Errorf("the recent samples are %v, %v", recent, err)
	}
	b.must(b.rdb.Set(ctx, jobBase(name)+nameSeconds, "garbage", 0).Err())
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || recent != nil {
		t.Errorf("of garbage, the recent samples are %v, %v", recent, err)
	}
	b.must(b.store.Record(ctx, name, done))
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || len(recent) != 1 {
		t.Errorf("after garbage, the recent samples are %v, %v", recent, err)
	}
	if _, err := b.store.Move(ctx, name, crawler.StateDone, "", crawler.StateRunning); err != nil {
		t.Fatal(err)
	}
	b.must(b.rdb.Del(ctx, jobBase(name)+nameSeconds).Err())
	b.must(b.store.Record(ctx, name, done))
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || recent != nil {
		t.Errorf("a job that has ended has the new samples %v, %v", recent, err)
	}
}
