package frontier

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/spread"
)

func addsSpreads(t *testing.T, b *testJob) {
	ctx, name, key := t.Context(), b.job.Name, jobBase(b.job.Name)+nameSpread
	b.must(b.store.AddSpread(ctx, name, nil))
	b.must(b.store.AddSpread(ctx, name, spread.Counts{"d0": {URLs: 1, Example: "u1"}, "s200": {URLs: 3, Example: "u2"}}))
	b.must(b.store.AddSpread(ctx, name, spread.Counts{"d0": {URLs: 4, Example: "u3"}}))
	got, err := b.store.Spread(ctx, name)
	b.must(err)
	want := spread.Counts{"d0": {URLs: 5, Example: "u1"}, "s200": {URLs: 3, Example: "u2"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	b.must(b.rdb.HSet(ctx, key, "d0", "garbage").Err())
	b.must(b.store.AddSpread(ctx, name, spread.Counts{"d0": {URLs: 2, Example: "u4"}}))
	if got, err := b.store.Spread(ctx, name); err != nil || got["d0"].URLs != 2 {
		t.Errorf("a number that was garbage is %v, %v", got["d0"], err)
	}
	b.must(b.rdb.Set(ctx, key, "garbage", 0).Err())
	if got, err := b.store.Spread(ctx, name); err != nil || len(got) > 0 {
		t.Errorf("garbage has numbers: %v, %v", got, err)
	}
	b.must(b.store.AddSpread(ctx, name, want))
	b.must(b.store.AddSpread(ctx, name+"-gone", want))
	if n, err := b.rdb.Exists(ctx, jobBase(name+"-gone")+nameSpread).Result(); err != nil || n > 0 {
		t.Errorf("a job that does not exist has numbers: %v", err)
	}
}
