package frontier

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// awaited lists the writers that the job waits for before it ends.
func (b *testJob) awaited() []string {
	b.t.Helper()
	var all []string
	for _, a := range b.status().Awaited {
		all = append(all, a.Writer+": "+a.Reason)
	}
	return all
}

func awaitsWriters(t *testing.T, b *testJob) {
	ctx, name := t.Context(), b.job.Name
	b.must(b.store.Await(ctx, name, "w2", "files are open in \"out dir\"", time.Minute))
	b.must(b.store.Await(ctx, name, "w1", "pages wait for the bucket", time.Hour))
	b.must(b.store.Await(ctx, name, "dead", "it is not heard of again", -time.Millisecond))
	if diff := cmp.Diff([]string{"w1: pages wait for the bucket", "w2: files are open in \"out dir\""},
		b.awaited()); diff != "" {
		t.Errorf("awaited (-want +got):\n%s", diff)
	}
	if left := b.status().Awaited[0].Until.Sub(b.status().Now); left < 55*time.Minute || left > time.Hour {
		t.Errorf("the job waits for w1 for %v, want an hour", left)
	}
	b.must(b.store.Await(ctx, name, "w0", waiting.OpenFiles+"/out/news", -time.Millisecond))
	if left := waiting.OutputPending(b.status(), crawler.Counters{}); !strings.Contains(left,
		"worker w0 left unfinished files in /out/news") || len(b.status().Unfinished) != 1 {
		t.Errorf("the job still waits for a dead writer: %q", left)
	}
	b.must(b.store.Await(ctx, name, "w0", "", 0))
	b.must(b.store.Await(ctx, name, "w1", "", 0))
	b.must(b.store.Await(ctx, name, "w3", "", 0)) // the job was not waiting for w3
	if diff := cmp.Diff([]string{"w2: files are open in \"out dir\""}, b.awaited()); diff != "" {
		t.Errorf("after one is complete (-want +got):\n%s", diff)
	}
	if n := b.rdb.HLen(ctx, jobBase(name)+nameAwaited).Val(); n > 2 {
		t.Errorf("%d writers are stored", n)
	}
}

func closesAndReopens(t *testing.T, b *testJob) {
	b.move(crawler.StateRunning)
	b.must(b.store.SetClosing(t.Context(), b.job.Name, true))
	if !b.status().Closing {
		t.Error("the job is not closing")
	}
	b.must(b.store.SetClosing(t.Context(), b.job.Name, false))
	if b.status().Closing {
		t.Error("the job is still closing")
	}
	b.must(b.store.SetClosing(t.Context(), b.job.Name, true))
	b.move(crawler.StateDone)
	if b.status().Closing {
		t.Error("a finished job is closing")
	}
}
