package frontier

import (
	"sync"
	"sync/atomic"
	"testing"
)

// spendsWithin lets several visits reserve money at once.
func spendsWithin(t *testing.T, b *testJob) {
	const most = 100
	var reserved atomic.Int64
	var visits sync.WaitGroup
	for range 4 {
		other := b.otherProcess()
		visits.Go(func() {
			for range 10 {
				ok, err := other.Spend(t.Context(), 3, most)
				if err != nil {
					t.Error(err)
				}
				if ok {
					reserved.Add(3)
				}
			}
		})
	}
	visits.Wait()
	if n := reserved.Load(); n != 99 {
		t.Errorf("%d is reserved of %d, in parts of 3", n, most)
	}
	for _, c := range []struct {
		amount int64
		want   bool
	}{{2, false}, {-3, true}, {5, false}, {4, true}, {1, false}} {
		if ok, err := b.Spend(t.Context(), c.amount, most); err != nil || ok != c.want {
			t.Errorf("%d is reserved: %t, want %t; %v", c.amount, ok, c.want, err)
		}
	}
}
