package frontier

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func keepsOrigins(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	origin := func() queue.Origin { s := b.status(); return queue.Origin{Opens: s.Opens, Owner: s.Owner} }
	if got := origin(); got != (queue.Origin{}) {
		t.Errorf("a job without an origin has %+v", got)
	}
	if err := b.store.CreateFrom(ctx, b.job, queue.Origin{Opens: true}); !errors.Is(err, queue.ErrJobExists) {
		t.Errorf("second creation of a job: got error %v", err)
	}
	if origin().Opens {
		t.Error("creating an existing job opens hosts for it")
	}
	want := queue.Origin{Opens: true, Owner: "trawl crawl on vm"}
	b.must(b.store.SetOrigin(ctx, name, want))
	if got := origin(); got != want {
		t.Errorf("origin: got %+v, want %+v", got, want)
	}
	b.must(b.store.Remove(ctx, name))
	b.must(b.store.CreateFrom(ctx, b.job, want))
	if got := origin(); got != want {
		t.Errorf("origin of a created job: got %+v, want %+v", got, want)
	}
}

func keepsWhatIsOpened(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	b.must(b.store.OpenHosts(ctx, name, queue.Opened{Hosts: []crawler.Host{"a.test:8080"}}))
	b.must(b.store.OpenHosts(ctx, name, queue.Opened{}))
	b.must(b.store.OpenHosts(ctx, name, queue.Opened{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Private: true}))
	got, err := b.store.Opened(ctx, name)
	b.must(err)
	if len(got.Hosts) != 1 || got.Hosts[0] != "a.test:8080" || len(got.Networks) != 1 ||
		got.Networks[0].String() != "10.0.0.0/8" || !got.Private {
		t.Errorf("opened: got %+v", got)
	}
	for h, want := range map[crawler.Host]bool{"a.test:8080": true, "a.test": false, "private": false} {
		if is, err := b.store.IsOpened(ctx, name, h); err != nil || is != want {
			t.Errorf("%s: opened %v (%v)", h, is, err)
		}
	}
	b.must(b.store.OpenPorts(ctx, name, nil))
	b.must(b.store.OpenPorts(ctx, name, queue.Ports([]crawler.Host{"a.test:8080", "b.test", "[::1]:8080", "[::1]"})))
	run := b.job
	run.Name = "run-" + run.Name[4:]
	b.must(b.store.CreateRun(ctx, run, name))
	for _, job := range []string{name, run.Name} {
		ports, err := b.store.OpenedPorts(ctx, job)
		b.must(err)
		slices.Sort(ports)
		if diff := cmp.Diff([]string{"", "8080"}, ports); diff != "" {
			t.Errorf("ports of job %s (-want +got):\n%s", job, diff)
		}
	}
}

func keepsPlaces(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	one, two := queue.Kept{Worker: "w 1", Machine: "m", Where: "/a b"},
		queue.Kept{Worker: "w2", Machine: "n", Where: "s3://b/p"}
	for _, pages := range []int64{0, 3, 4} {
		one.Pages = pages
		b.must(b.store.Keep(ctx, name, one))
	}
	b.must(b.store.Keep(ctx, name, two))
	one.Pages = 7
	got, err := b.store.Places(ctx, name)
	b.must(err)
	if diff := cmp.Diff([]queue.Kept{one, two}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}
