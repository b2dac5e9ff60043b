package visit

import (
	"context"
	"errors"
	"net/http/httptrace"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pacedHost records the times at which requests arrive.
type pacedHost struct {
	mu       sync.Mutex
	arrivals []time.Time
}

// ask makes a request with these durations of sending and of waiting for the response.
func (h *pacedHost) ask(t testing.TB, p *pace, sending, answering time.Duration) {
	s, err := p.wait(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	defer s.end()
	trace := httptrace.ContextClientTrace(s.trace(t.Context()))
	time.Sleep(sending)
	h.mu.Lock()
	h.arrivals = append(h.arrivals, time.Now())
	h.mu.Unlock()
	if trace == nil {
		return
	}
	trace.WroteRequest(httptrace.WroteRequestInfo{})
	time.Sleep(answering)
	trace.GotFirstResponseByte()
}

// gaps returns the durations between arrivals.
func (h *pacedHost) gaps() []time.Duration {
	var gaps []time.Duration
	for i := 1; i < len(h.arrivals); i++ {
		gaps = append(gaps, h.arrivals[i].Sub(h.arrivals[i-1]))
	}
	return gaps
}

// newTestPace returns an open pace with this gap.
func newTestPace(gap time.Duration) *pace {
	p := newPace(time.Now())
	p.widen(gap)
	return p
}

func TestTheGapIsKeptOverManyConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const gap = time.Second
		p, h := newTestPace(gap), new(pacedHost)
		var lanes sync.WaitGroup
		for lane := range 8 {
			lanes.Go(func() {
				for i := range 5 {
					h.ask(t, p, time.Duration(lane*i%7)*30*time.Millisecond, time.Duration(i)*700*time.Millisecond)
				}
			})
		}
		lanes.Wait()
		if len(h.arrivals) != 40 {
			t.Fatalf("%d requests arrived, want 40", len(h.arrivals))
		}
		if least := slices.Min(h.gaps()); least < gap {
			t.Errorf("the smallest gap is %v, want %v", least, gap)
		}
	})
}

func TestTheGapCountsFromTheTimeARequestIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		h.ask(t, p, 3*time.Second, 0) // a slow connect
		h.ask(t, p, 0, 0)
		if got := h.gaps()[0]; got != time.Second {
			t.Errorf("the gap is %v, want 1s", got)
		}
	})
}

func TestNoRequestStartsBeforeTheLastOneIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		var lanes sync.WaitGroup
		lanes.Go(func() { h.ask(t, p, 5*time.Second, time.Minute) })
		synctest.Wait() // until the request connects
		lanes.Go(func() { h.ask(t, p, 0, 0) })
		lanes.Wait()
		if got := h.gaps()[0]; got < time.Second || got > 1100*time.Millisecond {
			t.Errorf("the gap is %v, want 1s to 1.1s", got)
		}
	})
}

func TestTheResponseTimeOfASlowHostIsAddedUpToAQuarterOfTheGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(100*time.Millisecond), new(pacedHost)
		var lanes sync.WaitGroup
		for range 3 {
			lanes.Go(func() { h.ask(t, p, 0, time.Minute) })
		}
		lanes.Wait()
		if want := []time.Duration{125 * time.Millisecond, 125 * time.Millisecond}; !slices.Equal(h.gaps(), want) {
			t.Errorf("the gaps are %v, want %v", h.gaps(), want)
		}
	})
}

func TestTheResponseTimeOfAFastHostIsAdded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(400*time.Millisecond), new(pacedHost)
		h.ask(t, p, 0, 10*time.Millisecond)
		h.ask(t, p, 0, 0)
		if got := h.gaps()[0]; got != 410*time.Millisecond {
			t.Errorf("the gap is %v, want 410ms", got)
		}
	})
}

func TestALongGapGetsAFewMillisecondsMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Minute), new(pacedHost)
		h.ask(t, p, 0, time.Second)
		h.ask(t, p, 0, 0)
		if got, want := h.gaps()[0], time.Minute+50*time.Millisecond; got != want {
			t.Errorf("the gap is %v, want %v", got, want)
		}
	})
}

func TestTheGapCountsFromTheRepetitionOfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		s, err := p.wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		trace := httptrace.ContextClientTrace(s.trace(t.Context()))
		trace.WroteRequest(httptrace.WroteRequestInfo{}) // to a dead connection
		time.Sleep(500 * time.Millisecond)
		trace.WroteRequest(httptrace.WroteRequestInfo{})
		h.arrivals = append(h.arrivals, time.Now())
		s.end()
		h.ask(t, p, 0, 0)
		if got := h.gaps()[0]; got != time.Second {
			t.Errorf("the gap is %v, want 1s", got)
		}
	})
}

func TestWithoutAGapRequestsStartAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h, began := newTestPace(0), new(pacedHost), time.Now()
		for range 10 {
			h.ask(t, p, 0, time.Second)
		}
		if took := time.Since(began); took != 0 || p.remaining() != 0 {
			t.Errorf("10 requests took %v, and the pace waits for %v", took, p.remaining())
		}
	})
}

func TestTheGapOnlyGrows(t *testing.T) {
	t.Parallel()
	p := newTestPace(time.Second)
	for _, d := range []time.Duration{0, 500 * time.Millisecond, 2 * time.Second, time.Second} {
		p.widen(d)
	}
	if got := p.interval(); got != 2*time.Second {
		t.Errorf("the gap is %v, want 2s", got)
	}
}

func TestALongerGapAppliesToTheLastRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(0), new(pacedHost)
		h.ask(t, p, 0, 0) // robots.txt
		p.widen(7 * time.Second)
		h.ask(t, p, 0, 0)
		if got := h.gaps()[0]; got != 7*time.Second {
			t.Errorf("the gap is %v, want 7s", got)
		}
	})
}

func TestAHeldHostReceivesNoRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		h.ask(t, p, 0, 0)
		p.hold(time.Minute)
		p.hold(time.Second) // the longest hold applies
		if got := p.remaining(); got != time.Minute {
			t.Errorf("remaining: got %v, want 1m", got)
		}
		h.ask(t, p, 0, 0)
		if got := h.gaps()[0]; got != time.Minute {
			t.Errorf("the gap is %v, want 1m", got)
		}
	})
}

func TestAHostHeldWhileARequestWaitsReceivesNoRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		h.ask(t, p, 0, 0)
		var lane sync.WaitGroup
		lane.Go(func() { h.ask(t, p, 0, 0) })
		synctest.Wait() // until the request waits
		p.hold(time.Minute)
		lane.Wait()
		if got := h.gaps()[0]; got != time.Minute {
			t.Errorf("the gap is %v, want 1m", got)
		}
	})
}

func TestAPaceOpensAfterTheWaitOfItsLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p, h := newPace(began.Add(3*time.Second)), new(pacedHost)
		if got := p.remaining(); got != 3*time.Second {
			t.Errorf("remaining: got %v, want 3s", got)
		}
		h.ask(t, p, 0, 0)
		if got := h.arrivals[0].Sub(began); got != 3*time.Second {
			t.Errorf("the first request arrived after %v, want 3s", got)
		}
	})
}

func TestTheRestOfTheGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		h.ask(t, p, 0, 0)
		time.Sleep(300 * time.Millisecond)
		if got := p.remaining(); got != 700*time.Millisecond {
			t.Errorf("remaining: got %v, want 700ms", got)
		}
		time.Sleep(time.Hour)
		if got := p.remaining(); got != 0 {
			t.Errorf("remaining: got %v, want 0", got)
		}
	})
}

func TestWaitingForThePaceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newTestPace(time.Hour)
		unsent, err := p.wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		for range 3 { // one waits for the request to be sent, two for their turn
			waiting.Go(func() {
				if _, err := p.wait(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		waiting.Wait()
		unsent.end()

		ctx, cancel = context.WithCancel(t.Context())
		waiting.Go(func() {
			if _, err := p.wait(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		})
		synctest.Wait() // until the request waits for the gap to pass
		cancel()
		waiting.Wait()
	})
}

func TestARequestThatIsNotMadeDoesNotBlockTheNextOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, h := newTestPace(time.Second), new(pacedHost)
		s, err := p.wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.end()
		h.ask(t, p, 0, 0)
		if got := h.arrivals[0].Sub(began); got != time.Second {
			t.Errorf("the next request arrived after %v, want 1s", got)
		}
	})
}

// observe passes responses with these durations to the pace, and returns the gap.
func (p *pace) observe(factor float64, good bool, took ...time.Duration) time.Duration {
	for _, d := range took {
		now := time.Now()
		p.learn(&start{sent: now.Add(-d), answered: now}, factor, good)
	}
	return p.interval()
}

func TestASlowHostReceivesFewerRequests(t *testing.T) {
	t.Parallel()
	p := newPace(time.Now())
	p.keep(time.Second)
	for _, step := range []struct {
		what string
		got  time.Duration
		want time.Duration
	}{
		{"fast responses", p.observe(2, true, 10*time.Millisecond, 10*time.Millisecond), time.Second},
		{"slower responses count in part", p.observe(2, true, 2*time.Second), time.Second + 15*time.Millisecond},
		{"a fast error", p.observe(2, false, 0), time.Second + 15*time.Millisecond},
		{"a slow error", p.observe(2, false, 10*time.Minute), slowest},
		{"recovery", p.observe(2, true, make([]time.Duration, 40)...), time.Second},
		{"switched off", p.observe(0, true, time.Hour), time.Second},
	} {
		if step.got != step.want {
			t.Errorf("%s: the gap is %v, want %v", step.what, step.got, step.want)
		}
	}
	if got := newPace(time.Now()).observe(2, true, time.Hour); got != 0 {
		t.Errorf("without a delay the gap is %v, want 0", got)
	}
}

func TestAShorterDelayKeepsTheCrawlDelayOfRobots(t *testing.T) {
	t.Parallel()
	p := newPace(time.Now())
	p.keep(5 * time.Second)
	p.widen(2 * time.Second)
	p.keep(time.Second)
	if got := p.interval(); got != 2*time.Second {
		t.Errorf("the gap is %v, want 2s", got)
	}
}

// A visit without requests must report the last request that it knows of. Otherwise the next job
// would know of no request.
func TestAVisitThatMadeNoRequestKnowsOfTheLastOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPace(time.Now())
		if got := p.ago(); got >= 0 {
			t.Errorf("last request: got %v ago, want none", got)
		}
		p.inherit(time.Now().Add(-9*time.Second), time.Second)
		if got := p.ago(); got != 9*time.Second {
			t.Errorf("the job's own last request: got %v ago, want 9s", got)
		}
		p.share(time.Now().Add(-2*time.Second), 0)
		time.Sleep(time.Second)
		if got := p.ago(); got != 3*time.Second {
			t.Errorf("another job's last request: got %v ago, want 3s", got)
		}
		new(pacedHost).ask(t, p, 0, 0)
		if got := p.ago(); got != 0 {
			t.Errorf("the visit's own request: got %v ago, want 0s", got)
		}
	})
}
