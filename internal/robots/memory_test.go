package robots

import (
	"testing"
	"time"
)

func TestMemoryForgetsTheLeastRecentlyUsed(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	until := now.Add(time.Hour)
	a, b, c := subject{"https://a.example", "x"}, subject{"https://b.example", "x"}, subject{"https://a.example", "y"}
	two := 2 * (&recollection{a, &Rules{}, until}).weight()
	m := newMemory(two)
	m.keep(a, &Rules{}, until)
	m.keep(b, &Rules{}, until)
	m.recall(a, now)
	m.keep(c, &Rules{}, until)
	for s, want := range map[subject]bool{a: true, b: false, c: true} {
		if got := m.recall(s, now) != nil; got != want {
			t.Errorf("remembers %v: %v, want %v", s, got, want)
		}
	}
	if m.weight != two {
		t.Errorf("it weighs %d, want %d", m.weight, two)
	}
}

func TestMemoryForgetsExpiredEntries(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	s := subject{"https://a.example", "x"}
	m := newMemory(1 << 20)
	m.keep(s, &Rules{}, now.Add(time.Second))
	m.keep(s, &Rules{}, now.Add(time.Hour)) // the later value counts
	if m.recall(s, now.Add(time.Minute)) == nil {
		t.Error("it is forgotten too early")
	}
	if m.recall(s, now.Add(time.Hour)) != nil {
		t.Error("it still counts")
	}
	if m.weight != 0 || m.recent.Len() != 0 {
		t.Errorf("%d bytes in %d rules are left", m.weight, m.recent.Len())
	}
}

func TestAnEntryLargerThanMemoryIsNotKept(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	m := newMemory(10)
	m.keep(subject{"https://a.example", "x"}, &Rules{}, now.Add(time.Hour))
	if m.weight != 0 || m.recent.Len() != 0 {
		t.Errorf("%d bytes in %d rules are kept", m.weight, m.recent.Len())
	}
}
