package fleet

import (
	"math"
	"testing"
	"time"
)

func TestThePaceIsThatOfTheLastSeconds(t *testing.T) {
	t.Parallel()
	var p pace
	at, settled := time.Unix(1_000_000, 0), int64(50) // before the pace began
	if got := p.rate(at, settled); got != 0 {
		t.Errorf("at first the pace is %g", got)
	}
	goOn := func(seconds int, perSecond int64) (last float64) {
		for range 4 * seconds {
			at, settled = at.Add(250*time.Millisecond), settled+perSecond/4
			last = p.rate(at, settled)
		}
		return last
	}
	if got := goOn(60, 20); math.Abs(got-20) > 0.1 {
		t.Errorf("after a minute at 20 pages a second the pace is %g", got)
	}
	if got := goOn(5, 0); got < 6 || got > 9 {
		t.Errorf("after five seconds without pages the pace is %g", got)
	}
	if got := goOn(60, 0); got > 0.01 {
		t.Errorf("after a minute without pages the pace is %g", got)
	}
	if p.rate(at.Add(-time.Hour), settled); p.rate(at, settled) < 0 { // a clock that was set back
		t.Error("the pace is negative")
	}
	if got := memory(); got < 1<<20 {
		t.Errorf("the process has %d bytes", got)
	}
}
