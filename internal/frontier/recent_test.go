package frontier

import (
	"sync"
	"testing"
)

func TestRecentURLsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRecent(nil)
	for range 3 {
		r.forget()
		if h := r.hash("a"); r.has(h, 5) {
			t.Fatal("a URL is remembered before it was added")
		} else {
			r.add(h, 5)
		}
		if h := r.hash("a"); !r.has(h, 5) || !r.has(h, 6) || r.has(h, 4) {
			t.Fatal("a URL is not remembered at its depth")
		}
	}
	if got := r.forgets.Load(); got != 3 {
		t.Errorf("forgotten %d times, want 3", got)
	}
}

// However additions and forgetting meet, what was added before a forget is gone after it.
func TestNothingIsRememberedAcrossAForget(t *testing.T) {
	t.Parallel()
	r := newRecent(nil)
	for round := range 50 {
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for n := range uint64(100) {
					r.add((uint64(i)*100+n+1)<<20, round%100)
				}
			})
		}
		all.Go(r.forget)
		all.Wait()
		r.forget()
		for i := range r.slots {
			if r.slots[i].Load() != 0 {
				t.Fatalf("round %d: a URL is still remembered", round)
			}
		}
	}
}

// BenchmarkForget is what each new connection of a process costs that has nothing to forget.
func BenchmarkForget(b *testing.B) {
	r := newRecent(nil)
	for b.Loop() {
		r.forget()
	}
}
