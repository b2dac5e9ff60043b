package crawler

import (
	"testing"
	"time"
)

func TestManyVisitsOfAWorkerSettleLessOften(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		visits int64
		bodies bool
		want   time.Duration
	}{
		{1, false, 250 * time.Millisecond},
		{12, false, 250 * time.Millisecond},
		{50, false, time.Second},
		{100, false, 2 * time.Second},
		{5000, false, 4 * time.Second},
		{5000, true, 250 * time.Millisecond}, // they would hold the bodies of all
	} {
		v := &visit{Visitor: new(Visitor), connections: 1, bodies: c.bodies, pace: newPace(time.Now())}
		v.visits.Store(c.visits)
		if got := v.patience(); got != c.want {
			t.Errorf("one of %d visits (bodies: %t) settles after %v, want %v", c.visits, c.bodies, got, c.want)
		}
		v.pace.keep(time.Second)
		if got, want := v.ahead(), max(1, int(2*c.want/time.Second)); got != want {
			t.Errorf("one of %d visits (bodies: %t) takes %d URLs ahead at one a second, want %d", c.visits, c.bodies, got, want)
		}
	}
}
