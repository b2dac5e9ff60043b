package frontier

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// pastSamples fills a series as if the job had run for n periods, with a number of pages in each, and
// returns the samples.
func (b *testJob) pastSamples(of series, n int, pages int64) (all []forecast.Sample) {
	b.t.Helper()
	now, err := b.rdb.Time(b.t.Context()).Result()
	b.must(err)
	parts, last := make(map[int64]*strings.Builder), ""
	for i := range n {
		at := now.Truncate(time.Second).Add(time.Duration((i-n)*of.period) * time.Second)
		k := int64(i + 1)
		one := forecast.Sample{At: at, Pages: k * pages, Settled: k * pages * 11 / 10, Bytes: k * pages * 14_321,
			Failed: k * pages / 50, Seen: k * pages * 3}
		last = fmt.Sprint(at.Unix(), one.Pages, one.Settled, one.Bytes, one.Failed, one.Seen)
		number := at.Unix() / int64(partSamples*of.period)
		if parts[number] == nil {
			parts[number] = new(strings.Builder)
			fmt.Fprint(parts[number], last, ";")
		} else {
			was := all[i-1]
			fmt.Fprintf(parts[number], ",%x,%x,%x,%x,%x;", one.Pages-was.Pages,
				one.Settled-was.Settled-(one.Pages-was.Pages), one.Bytes-was.Bytes, one.Failed-was.Failed, one.Seen-was.Seen)
		}
		all = append(all, one)
	}
	fields := []any{"last", last}
	for number, text := range parts {
		if newest := all[n-1].At.Unix() / int64(partSamples*of.period); newest-number < int64(of.parts) {
			fields = append(fields, number%int64(of.parts), text.String())
		}
	}
	b.must(b.rdb.HSet(b.t.Context(), jobBase(b.job.Name)+of.name, fields...).Err())
	return all
}

func keepsHistory(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	if h, err := b.store.History(ctx, name); err != nil || len(h.Seconds)+len(h.Minutes) != 0 {
		t.Errorf("a job without a history has %v, %v", h, err)
	}
	if _, err := b.store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated); err != nil {
		t.Fatal(err)
	}
	seconds, minutes := b.pastSamples(hourSeries, 5000, 7), b.pastSamples(daySeries, 2000, 400)
	done := crawler.Counters{Seen: 900, Waiting: 100, Flight: 7, Bytes: 5,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 700, crawler.OutcomeFailed: 2, crawler.OutcomeGone: 1}}
	b.must(b.store.Record(ctx, name, done))
	b.must(b.store.Record(ctx, name, crawler.Counters{})) // in the same second, or the next
	h, err := b.store.History(ctx, name)
	b.must(err)
	// What passed on a slow machine between the samples of the past and the last one has no samples.
	slow := h.Seconds[len(h.Seconds)-1].At.Sub(seconds[len(seconds)-1].At)
	if n := len(h.Seconds); n < 3600-int(slow/time.Second) || n > 3600 {
		t.Errorf("there are %d seconds, %v after the last, want an hour", n, slow)
	}
	if n := len(h.Minutes); n < 1439-int(slow/time.Minute) || n > 1440 {
		t.Errorf("there are %d minutes, %v after the last, want a day", n, slow)
	}
	// It has less than the one before: pages were taken back.
	want := forecast.Sample{Pages: 700, Settled: 793, Bytes: 5, Failed: 3, Seen: 900}
	isWanted := func(s forecast.Sample) bool { want.At = s.At; return s == want }
	last := h.Minutes[len(h.Minutes)-2:] // the second record may be a minute after the first
	if !slices.ContainsFunc(last, isWanted) {
		t.Errorf("the last minutes are %+v, want %+v in one", last, want)
	}
	for what, got := range map[string][2][]forecast.Sample{
		"second": {h.Seconds, seconds}, "minute": {h.Minutes, minutes},
	} {
		for i, one := range got[0][:1000] {
			if !slices.Contains(got[1], one) || i > 0 && !one.At.After(got[0][i-1].At) {
				t.Fatalf("%s %d is %+v after %+v", what, i, one, got[0][max(0, i-1)])
			}
		}
	}
	recent, err := b.store.Recent(ctx, name, 10)
	if diff := cmp.Diff(h.Seconds[len(h.Seconds)-10:], recent); err != nil || diff != "" {
		t.Errorf("the recent samples (-want +got): %v\n%s", err, diff)
	}
	b.forgetsHistory(done)
}

// forgetsHistory checks what becomes of garbage, and of samples after the end of a job.
func (b *testJob) forgetsHistory(done crawler.Counters) {
	t, ctx, name := b.t, b.t.Context(), b.job.Name
	key := jobBase(name) + hourSeries.name
	b.must(b.rdb.Del(ctx, key).Err())
	b.must(b.rdb.RPush(ctx, key, "1 2 3").Err())
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || recent != nil {
		t.Errorf("of garbage, the recent samples are %v, %v", recent, err)
	}
	b.must(b.store.Record(ctx, name, done))
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || len(recent) != 1 {
		t.Errorf("after garbage, the recent samples are %v, %v", recent, err)
	}
	b.must(b.rdb.HSet(ctx, key, "last", "garbage").Err())
	b.must(b.store.Record(ctx, name, done))
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || len(recent) == 0 {
		t.Errorf("after a last sample that is garbage, the recent samples are %v, %v", recent, err)
	}
	if _, err := b.store.Move(ctx, name, crawler.StateDone, "", crawler.StateRunning); err != nil {
		t.Fatal(err)
	}
	b.must(b.rdb.Del(ctx, key).Err())
	b.must(b.store.Record(ctx, name, done))
	if recent, err := b.store.Recent(ctx, name, 10); err != nil || recent != nil {
		t.Errorf("a job that has ended has the new samples %v, %v", recent, err)
	}
}

func TestAPartOfAHistoryIsReadUpToGarbage(t *testing.T) {
	t.Parallel()
	at := func(seconds, pages, settled, bytes, failed, seen int64) forecast.Sample {
		return forecast.Sample{At: time.Unix(seconds, 0), Pages: pages, Settled: settled, Bytes: bytes, Failed: failed,
			Seen: seen}
	}
	for text, want := range map[string][]forecast.Sample{
		"": nil, "garbage": nil, "1 2 3;": nil,
		"100 10 12 1000 1 30;":              {at(100, 10, 12, 1000, 1, 30)},
		"100 10 12 1000 1 30;,,,,,;":        {at(100, 10, 12, 1000, 1, 30), at(101, 10, 12, 1000, 1, 30)},
		"100 10 12 1000 1 30;2,a,1,-3e8,,;": {at(100, 10, 12, 1000, 1, 30), at(103, 20, 23, 0, 1, 30)},
		"100 10 12 1000 1 30;x,,,,,;,,,,,;": {at(100, 10, 12, 1000, 1, 30)},
		"100 10 12 1000 1 30;,,,;,,,,,;":    {at(100, 10, 12, 1000, 1, 30)},
	} {
		got, _ := unpackSamples(text, 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// A fast job, of a thousand pages a second, has a history of an hour and a day.
func TestAHistoryTakesABoundedPartOfRedis(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.New(t), 1)
	b.pastSamples(hourSeries, 3700, 1000)
	b.pastSamples(daySeries, 1500, 60_000)
	used := int64(0)
	for _, of := range []series{hourSeries, daySeries} {
		n, err := b.rdb.MemoryUsage(t.Context(), jobBase(b.job.Name)+of.name, 0).Result()
		b.must(err)
		t.Logf("%s: %d bytes", of.name, n)
		used += n
	}
	if used > 150_000 {
		t.Errorf("the history takes %d bytes of Redis, more than 150 kB", used)
	}
}
