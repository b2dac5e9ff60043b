package scheduler

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestBriefInterruptionsAreNotAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, term = 5 * time.Second, 10 * time.Second
		c := contact{reached: time.Now()}
		for range 100 { // a brief failure every three seconds
			time.Sleep(3 * time.Second)
			c.note(true)
			time.Sleep(10 * time.Millisecond)
			c.note(false)
			if !c.calm(most, term) {
				t.Fatal("occasional failures count as an outage")
			}
		}
		for range 3 {
			time.Sleep(2 * time.Second)
			c.note(true)
		}
		c.note(false)
		time.Sleep(time.Second)
		c.note(true) // a brief interruption, which does not hide the outage
		c.note(false)
		time.Sleep(term - 2*time.Second)
		if c.calm(most, term) {
			t.Error("an outage of six seconds is forgotten before ten seconds have passed")
		}
		time.Sleep(2 * time.Second)
		if !c.calm(most, term) {
			t.Error("an outage still counts after ten seconds")
		}
		if len(c.outages) > 2 {
			t.Errorf("%d outages are remembered", len(c.outages))
		}
	})
}
