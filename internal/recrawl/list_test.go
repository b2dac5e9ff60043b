package recrawl

import (
	"math"
	"testing"
	"time"
)

func TestAListIsReadAtTheIntervalThatCostsLeast(t *testing.T) {
	t.Parallel()
	threshold := (100 * time.Hour).Seconds()
	for _, perDay := range []float64{0.5, 5, 20} {
		at, owed := epoch, 0.0
		s := State{}.ObserveList(at, 0, 10)
		var last time.Duration
		for at.Sub(epoch) < 400*day {
			next := s.Due(threshold, time.Minute, 365*day)
			last = next.Sub(at)
			owed += perDay * last.Hours() / 24
			s = s.ObserveList(next, math.Floor(owed), 10)
			at, owed = next, owed-math.Floor(owed)
		}
		want := math.Sqrt(2 * threshold / 86400 / perDay)
		if got := last.Hours() / 24; math.Abs(math.Log(got/want)) > 0.35 {
			t.Errorf("with %g pages announced a day, a list is read after %.2f days, want %.2f", perDay, got, want)
		}
	}
}

func TestAListThatAnnouncesNothingIsReadRarely(t *testing.T) {
	t.Parallel()
	at, threshold := epoch, (100 * time.Hour).Seconds()
	s := State{}.ObserveList(at, 0, 100)
	if first := s.Due(threshold, time.Minute, 365*day).Sub(at); first > 7*day {
		t.Errorf("a list of 100 pages is read again after %v, want a few days", first)
	}
	for range 20 {
		at = s.Due(threshold, time.Minute, 365*day)
		s = s.ObserveList(at, 0, 100)
	}
	if rare := s.Due(threshold, time.Minute, 365*day).Sub(at); rare < 30*day {
		t.Errorf("a list that announces nothing is read again after %v, want months", rare)
	}
	if got := s.ObserveList(at.Add(-day), 5, 100); got.Weight() != s.Weight() && got.Last > s.Last {
		t.Errorf("a reading before the last one makes %+v of %+v", got, s)
	}
}
