package frontier

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

// troubles lists the troubles of the job.
func (b *testJob) troubles() []string {
	b.t.Helper()
	var all []string
	for _, t := range b.status().Troubles {
		all = append(all, t.Worker+": "+t.Reason)
	}
	return all
}

// troubleAgo moves a trouble into the past, instead of the clock.
func (b *testJob) troubleAgo(worker, reason string, since, at time.Duration) {
	b.t.Helper()
	now, err := b.rdb.Time(b.t.Context()).Result()
	b.must(err)
	text := fmt.Sprintf("%d %d %s", now.Add(-since).UnixMilli(), now.Add(-at).UnixMilli(), reason)
	b.must(b.rdb.HSet(b.t.Context(), jobBase(b.job.Name)+nameTroubles, worker, text).Err())
}

func tellsTroubles(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	for worker, reason := range map[string]string{"w2": "no space left on device",
		"w1": "the bucket is away: 503  Slow Down"} {
		b.must(b.store.Trouble(ctx, name, worker, reason))
	}
	if diff := cmp.Diff([]string{"w1: the bucket is away: 503  Slow Down", "w2: no space left on device"},
		b.troubles()); diff != "" {
		t.Errorf("troubles (-want +got):\n%s", diff)
	}
	b.troubleAgo("w2", "no space left on device", time.Hour, time.Second)
	b.must(b.store.Trouble(ctx, name, "w2", "still no space"))
	got := b.status().Troubles[1]
	if lasts := got.At.Sub(got.Since); lasts < time.Hour || lasts > time.Hour+time.Minute ||
		got.Reason != "still no space" {
		t.Errorf("a trouble reported again after an hour: got %+v", got)
	}
	b.must(b.store.Trouble(ctx, name, "w1", ""))
	b.must(b.store.Trouble(ctx, name, "w3", "")) // w3 had no trouble
	if diff := cmp.Diff([]string{"w2: still no space"}, b.troubles()); diff != "" {
		t.Errorf("after one has ended (-want +got):\n%s", diff)
	}
	if ttl := b.rdb.PTTL(ctx, jobBase(name)+nameTroubles).Val(); ttl <= 0 || ttl > TroubleTerm {
		t.Errorf("expiry: got %v, want %v", ttl, TroubleTerm)
	}
}

func forgetsTroubles(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	b.troubleAgo("dead", "no space", time.Hour, 2*TroubleTerm)
	b.troubleAgo("back", "no space", time.Hour, 2*TroubleTerm)
	if got := b.troubles(); len(got) > 0 {
		t.Errorf("an expired trouble is listed: %q", got)
	}
	b.must(b.store.Trouble(ctx, name, "back", "no space"))
	if got := b.status().Troubles; len(got) != 1 || !got[0].Since.Equal(got[0].At) {
		t.Errorf("a worker that was silent for long: got %+v, want a trouble that begins now", got)
	}
	if fields := b.rdb.HKeys(ctx, jobBase(name)+nameTroubles).Val(); !cmp.Equal(fields, []string{"back"}) {
		t.Errorf("workers in Redis: got %q", fields)
	}
	b.must(b.store.Remove(ctx, name))
	b.must(b.store.Trouble(ctx, name, "back", "no space"))
	if keys := b.keys(); len(keys) > 0 {
		t.Errorf("keys of a removed job: got %v", keys)
	}
}

func TestATroubleIsOneLine(t *testing.T) {
	t.Parallel()
	const want = "worker w1: no space; it resumes by itself when this is fixed"
	if got := (crawler.Trouble{Worker: "w1", Reason: "no space"}).String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
