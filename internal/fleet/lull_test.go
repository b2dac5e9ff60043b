package fleet

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestALullBeginsAfterAWhileAndEndsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLull()
		began := time.Now()
		over, _ := l.Pause(time.Second, time.Hour)
		if <-over; time.Since(began) != time.Second || l.On() {
			t.Errorf("a usual pause took %v", time.Since(began))
		}
		time.Sleep(lullAfter)
		began = time.Now()
		over, ended := l.Pause(time.Second, time.Hour)
		if <-over; time.Since(began) != time.Hour || !l.On() {
			t.Errorf("a pause during a lull took %v", time.Since(began))
		}
		l.Stir()
		select {
		case <-ended:
		default:
			t.Error("the lull is over, but those who wait are not told")
		}
		if l.On() {
			t.Error("the lull goes on although something happens")
		}
	})
}
