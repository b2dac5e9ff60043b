package frontier

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

func listsMembers(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	b.must(b.store.Appear(ctx, waiting.Process{Kind: waiting.KindScheduler, ID: "1", Name: name, Version: "v1"}, 0))
	b.must(b.store.Appear(ctx, waiting.Process{Kind: waiting.KindWorker, ID: "2", Name: name}, 0))
	b.must(b.store.Appear(ctx, waiting.Process{Kind: waiting.KindWorker, ID: "3", Name: name + "#x"}, 0))
	spent := map[string]activity.Spent{"a": {activity.Server: 1500 * time.Millisecond}, "b": {activity.Redis: time.Second}}
	_, err := b.store.ShareLoad(ctx, WorkerLoad{Worker: name + "#abc", Places: 8, Taken: 3,
		Jobs: []string{"b", AnyJob, "a"}, Spent: spent, Within: 15 * time.Second}, 0)
	b.must(err)
	all, err := b.store.Members(ctx)
	b.must(err)
	now, err := b.rdb.Time(ctx).Result()
	b.must(err)
	var got []string
	for _, m := range all {
		if m.Name != name && m.Name != name+"#x" {
			continue // of another test
		}
		if ago := now.Sub(m.Seen); ago < 0 || ago > time.Minute {
			t.Errorf("%s was seen %v ago", m.ID, ago)
		}
		if m.ID == "2" && (m.Within != 15*time.Second || !maps.Equal(m.Spent, spent)) {
			t.Errorf("spent within %s: %v, want %v", m.Within, m.Spent, spent)
		}
		got = append(got, fmt.Sprint(m.Kind, m.ID, m.Version, m.Taken, m.Places, m.Serving))
	}
	if diff := cmp.Diff([]string{"scheduler1v10 0 []", "worker23 8 [a b]", "worker30 0 []"}, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	v, err := b.store.Vitals(ctx)
	b.must(err)
	if v.Servers < 1 || v.Version != "" && (v.Memory <= 0 || v.Role != "master") {
		t.Errorf("Redis reports %+v", v)
	}
}

func listsQueued(t *testing.T, b *testJob) {
	var urls []string
	for i := range 20 {
		urls = append(urls, fmt.Sprintf("http://a.test/%02d", i))
	}
	b.admit(20, urls...)
	b.admitBand(queue.BandFirst, 2, "http://a.test/first", "http://a.test/again")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/first", "http://a.test/again", "http://a.test/00")
	retry := taken[1].Entry
	retry.Tries++
	b.must(lease.Settle(t.Context(),
		[]queue.Settlement{{Ticket: taken[1].Ticket, Outcome: crawler.OutcomeRetry, Retry: retry, After: time.Hour}}))
	list := func(limit int) (got []string) {
		all, err := b.Queued(t.Context(), "a.test", limit)
		b.must(err)
		for _, w := range all {
			got = append(got, fmt.Sprint(w.Place, w.Entry.URL.Path()))
		}
		return got
	}
	want := []string{fmt.Sprint(queue.PlaceFlight, "/00"), fmt.Sprint(queue.PlaceFlight, "/first")}
	for _, u := range urls[1:] {
		want = append(want, fmt.Sprint(queue.PlaceQueue, u[len("http://a.test"):]))
	}
	want = append(want, fmt.Sprint(queue.PlaceLater, "/again"))
	if diff := cmp.Diff(want, list(100)); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
	if got := list(5); !slices.Equal(got, want[:5]) {
		t.Errorf("the first five are %q", got)
	}
	if all, err := b.Queued(t.Context(), "unknown.test", 5); err != nil || len(all) > 0 {
		t.Errorf("a host that was never met has %v, %v", all, err)
	}
	b.must(b.rdb.Set(t.Context(), b.baseOf("a.test")+nameLater+"a.test", "garbage", 0).Err())
	if got := list(5); len(got) != 5 {
		t.Errorf("with garbage, the first five are %q", got)
	}
}
