package activity

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheFirstOfSeveralActivitiesLimitsAVisit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		v := m.Start(time.Now().Add(-time.Second)) // opened a second ago
		v.Enter(Politeness)
		time.Sleep(3 * time.Second)
		v.Enter(Redis) // settled while the next request waits for its turn
		time.Sleep(2 * time.Second)
		v.Leave(Politeness)
		time.Sleep(time.Second)
		v.Enter(Server)
		v.Enter(Server) // on another connection
		v.Leave(Redis)
		v.Leave(Server)
		time.Sleep(5 * time.Second)
		want := Spent{Other: time.Second, Politeness: 5 * time.Second, Redis: time.Second, Server: 5 * time.Second}
		if got := m.Spent(); got != want {
			t.Errorf("while the visit is under way: %v, want %v", got, want)
		}
		v.Leave(Server)
		v.Stop()
		v.Stop()
		time.Sleep(time.Hour)
		if got := m.Spent(); got != want {
			t.Errorf("after the visit: %v, want %v", got, want)
		}
	})
}

func TestAMeterAddsUpVisits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		var visits sync.WaitGroup
		for range 4 {
			visits.Go(func() {
				v := m.Start(time.Now())
				defer v.Stop()
				ctx := With(context.Background(), v)
				Of(ctx).Enter(DNS)
				time.Sleep(time.Minute)
				Of(ctx).Leave(DNS)
			})
		}
		visits.Wait()
		if got, want := m.Spent(), (Spent{DNS: 4 * time.Minute}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		Of(context.Background()).Enter(DNS) // outside a visit, nothing is counted
		Of(context.Background()).Stop()
	})
}

func TestAWindowForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	w, start, spent := NewWindow(10*time.Second), time.Now(), Spent{}
	for second := range 60 {
		got, span := w.Add(start.Add(time.Duration(second)*time.Second), spent)
		if want := time.Duration(min(second, 10)) * time.Second; span != want || got.Total() != want {
			t.Fatalf("after %d seconds: %v within %s, want %s", second, got, span, want)
		}
		spent[Server] += time.Second
	}
	if n := len(w.samples); n > samplesKept+2 {
		t.Errorf("%d samples are kept", n)
	}
}

func TestWhatIsPackedIsParsed(t *testing.T) {
	t.Parallel()
	want := Spent{Parsing: time.Second, Other: 90 * time.Hour}
	if got, ok := Parse(want.String()); !ok || got != want {
		t.Errorf("Parse(%q) = %v, %t", want, got, ok)
	}
	for _, text := range []string{"", "1", "1.2.3.4.5.6.7", "1.2.3.4.5.6.7.8.9", "1.2.3.4.5.6.7.x", "1.2.3.4.5.6.7.-8",
		"1.2.3.4.5.6.7.99999999999999"} {
		if got, ok := Parse(text); ok {
			t.Errorf("Parse(%q) = %v", text, got)
		}
	}
}

func BenchmarkEnterAndLeave(b *testing.B) {
	v := new(Meter).Start(time.Now())
	for b.Loop() {
		v.Enter(Server)
		v.Leave(Server)
	}
}
