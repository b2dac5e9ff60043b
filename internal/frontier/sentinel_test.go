package frontier

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestAJobContinuesAfterASentinelFailover(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinel(t)
	b := newTestJob(t, w.URL("/0"), 4)
	b.lease = time.Hour
	if err := endpoint(t, w.URL("/0")).Ping(t.Context(), b.rdb); err != nil {
		t.Fatal(err)
	}
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://b.test/1")
	lease := b.open("a.test")
	taken := b.take(lease, 1, "http://a.test/1")
	b.waitReplicated(w)
	w.Master.Kill()

	err := lease.Renew(t.Context(), 0)
	for err != nil && t.Context().Err() == nil {
		err = lease.Renew(t.Context(), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := connect(t, "redis://"+w.Replica.TCP).Info(t.Context(), "replication").Val(); !strings.Contains(got,
		"role:master") {
		t.Errorf("the replica is not a master: %s", got)
	}
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.admit(1, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, "http://a.test/2", "http://a.test/3")...)
	b.close(lease, 0)
	lease = b.open("b.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, "http://b.test/1")...)
	b.close(lease, 0)
	if idle, err := b.Idle(t.Context()); !idle || err != nil {
		t.Errorf("idle at the end: got %v, %v", idle, err)
	}
	if c := b.counters(); c.Seen != 4 || c.Pages() != 4 {
		t.Errorf("seen %d, pages %d; want 4 and 4", c.Seen, c.Pages())
	}
}

// waitReplicated waits until the replica has all writes.
func (b *testJob) waitReplicated(w *redistest.Watch) {
	b.t.Helper()
	ctx, mark := b.t.Context(), b.base(0)+"mark"
	if err := b.rdb.Set(ctx, mark, "here", 0).Err(); err != nil {
		b.t.Fatal(err)
	}
	replica := connect(b.t, w.Replica.URL())
	for replica.Get(ctx, mark).Val() != "here" {
		if err := ctx.Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestTheSentinelErrorExplainsTheFailureInOneLine(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinel(t)
	at := strings.Join(w.Sentinels, ",")
	expectPing := func(name, url, want string) {
		t.Helper()
		err := ping(t, url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v\nwant %q", name, err, want)
		}
	}
	expectPing("an unknown master", "redis+sentinel://"+at+"/other",
		`know no master "other": write the name that their sentinel monitor has`)
	expectPing("TLS to plain Sentinels", "rediss+sentinel://"+at+"/"+w.Name, "speaks no TLS on that port")
	if err := connect(t, "redis://"+w.Sentinels[0]).Do(t.Context(), "CONFIG", "GET", "port").Err(); err == nil {
		t.Error("a Sentinel answers CONFIG")
	}
	_, err := New(connect(t, "redis://"+w.Sentinels[0])).Trust(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is a Sentinel: write redis+sentinel://") {
		t.Errorf("a Sentinel with a URL of a Redis: %v", err)
	}
	warnings, err := New(connect(t, w.URL(""))).Trust(t.Context())
	expect(t, "the Redis that the Sentinels name ", warnings, err, []string{"writes nothing to disk"}, "")

	guard := connect(t, "redis://"+w.Master.TCP)
	if err := guard.ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	expectPing("a password", w.URL(""), `Redis "`+w.Name+`" of the Sentinels at `+strings.Join(w.Sentinels, ", ")+
		` asks for a password`)
	expectPing("a wrong password", "redis+sentinel://:hush@"+at+"/"+w.Name, "refuses the password")
}
