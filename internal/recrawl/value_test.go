package recrawl

import (
	"math"
	"testing"
	"testing/quick"
	"time"
)

// of returns a page with a change rate that is known as well as it can be.
func of(perDay float64) State {
	s := State{Last: uint32(epoch.Unix())}
	s.store(belief{shape: 36, scale: 36 / perDay * 86400}, 1<<31|1<<63)
	return s
}

func TestTheValueIsTheIntegralOfTheFirstChange(t *testing.T) {
	t.Parallel()
	for _, b := range []belief{{0.3, 1e6}, {1, 1e5}, {1 + 1e-12, 1e5}, {2.5, 3e4}, {36, 1e6}} {
		for _, gap := range []float64{10, 1e3, 1e5, 1e7} {
			// The sum of t·f(t), by the midpoint rule.
			const steps = 10000
			var want float64
			for i := range steps {
				t := gap * (float64(i) + 0.5) / steps
				want += t * b.shape / b.scale * math.Pow(1+t/b.scale, -b.shape-1) * gap / steps
			}
			if got := b.value(gap); math.Abs(got/want-1) > 2e-3 {
				t.Errorf("%+v has the value %g after %g s, want %g", b, got, gap, want)
			}
		}
	}
}

func TestTheValueOfAKnownRateIsThatOfPoisson(t *testing.T) {
	t.Parallel()
	const rate = 1e-5
	b := belief{shape: 1e7, scale: 1e7 / rate}
	for _, gap := range []float64{1e3, 1e5, 1e6} {
		want := 1 / rate * (1 - math.Exp(-rate*gap)*(1+rate*gap))
		if got := b.value(gap); math.Abs(got/want-1) > 1e-3 {
			t.Errorf("the value after %g s is %g, want %g", gap, got, want)
		}
	}
}

func TestPagesAreDueWhenTheirValuePassesTheThreshold(t *testing.T) {
	t.Parallel()
	property := func(rate int8, knowledge, importance uint8, logThreshold int8) bool {
		s := State{Last: uint32(epoch.Unix()), Rate: rate, Knowledge: knowledge, Importance: importance}
		threshold := math.Exp(float64(logThreshold) / 6)
		shortest, longest := time.Minute, 365*day
		due := s.Due(threshold, shortest, longest)
		switch gap := due.Sub(epoch); {
		case gap == longest:
			return s.Value(due) <= threshold*1.001
		case gap == shortest:
			return s.Value(due) >= threshold*0.999
		default:
			return math.Abs(s.Value(due)/threshold-1) < 1e-3
		}
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 20000}); err != nil {
		t.Error(err)
	}
}

func TestAPageIsDueFromTheMomentOnAtWhichItIs(t *testing.T) {
	t.Parallel()
	property := func(rate int8, knowledge, importance, signal, kept uint8, logThreshold int8, after uint32) bool {
		s := State{Last: uint32(epoch.Unix()), Rate: rate, Knowledge: knowledge, Importance: importance}
		if signal%2 == 0 {
			s = s.Signal(float64(signal) / 255)
		}
		s = s.Keep(time.Duration(kept) * time.Hour)
		threshold := math.Exp(float64(logThreshold) / 6)
		if logThreshold == 0 {
			threshold = 0
		}
		shortest, longest := time.Minute, 365*day
		due := s.Due(threshold, shortest, longest)
		at := epoch.Add(time.Duration(after%(400*86400)) * time.Second)
		solved := due.Sub(epoch) != shortest && due.Sub(epoch) != longest
		if solved && due.Sub(at).Abs() <= at.Sub(epoch)/5000+time.Second {
			return true
		}
		return s.IsDue(threshold, shortest, longest, at) == !at.Before(due)
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 50000}); err != nil {
		t.Error(err)
	}
	if !(State{}).IsDue(1, time.Minute, day, epoch) {
		t.Error("a page that was never fetched is not due")
	}
}

func TestPagesAreDueLaterAtAHigherThreshold(t *testing.T) {
	t.Parallel()
	for _, s := range []State{fetched(Prior{}), of(1), of(0.01)} {
		last := time.Time{}
		for _, threshold := range []float64{0, 1, 1e3, 1e4, 1e5, 1e6, math.Inf(1)} {
			due := s.Due(threshold, time.Minute, 60*day)
			if due.Before(last) {
				t.Errorf("%+v is due at %v at a threshold of %g, and at %v at a lower one", s, due, threshold, last)
			}
			last = due
		}
	}
}

func TestWhatMattersMoreIsDueSooner(t *testing.T) {
	t.Parallel()
	usual, news := of(0.1), of(0.1)
	news.Importance = Importance(5)
	const threshold = 1e5
	if a, b := news.Due(threshold, time.Minute, 60*day), usual.Due(threshold, time.Minute, 60*day); !a.Before(b) {
		t.Errorf("a page of importance 5 is due at %v, one of 1 at %v", a, b)
	}
	gone := usual
	gone.Flags |= Gone
	if a, b := gone.Due(threshold, time.Minute, 60*day), usual.Due(threshold, time.Minute, 60*day); !a.After(b) {
		t.Errorf("a page that is gone is due at %v, one that is there at %v", a, b)
	}
}

func TestAPageThatCannotBeFollowedIsDueAfterTheLongestInterval(t *testing.T) {
	t.Parallel()
	const threshold = 5 * 86400 // a fetch must gain five days of freshness
	each := of(0.1).Due(threshold, time.Minute, 60*day).Sub(epoch)
	if each >= 60*day {
		t.Errorf("a page that changes every ten days is due after %v", each)
	}
	for _, s := range []State{of(24), of(24).Signal(1)} {
		if got := s.Due(threshold, time.Minute, 60*day).Sub(epoch); got != 60*day {
			t.Errorf("a page that changes every hour is due after %v, want 60 days: %+v", got, s)
		}
	}
}

func TestASignalMakesAPageDue(t *testing.T) {
	t.Parallel()
	const threshold = 86400
	s := of(0.01)
	if got := s.Signal(1).Due(threshold, time.Minute, 60*day).Sub(epoch); got != time.Minute {
		t.Errorf("with a signal the page is due after %v, want the shortest interval", got)
	}
	if got := s.Due(threshold, time.Minute, 60*day).Sub(epoch); got < day {
		t.Errorf("without one it is due after %v", got)
	}
}

func TestANewPageIsNotDueButWaits(t *testing.T) {
	t.Parallel()
	var s State
	if s.Value(epoch) != 0 || s.Fresh(epoch) != 0 || !s.Due(1, time.Minute, day).Equal(time.Unix(0, 0)) {
		t.Errorf("a page that was never fetched has the value %g, is fresh with %g, and is due at %v",
			s.Value(epoch), s.Fresh(epoch), s.Due(1, time.Minute, day))
	}
}

func BenchmarkDue(b *testing.B) {
	s := of(0.1)
	for b.Loop() {
		s.Due(1e5, time.Minute, 60*day)
	}
}

func BenchmarkIsDue(b *testing.B) {
	s := of(0.1)
	at := epoch.Add(3 * day)
	for b.Loop() {
		s.IsDue(1e5, time.Minute, 60*day, at)
	}
}
