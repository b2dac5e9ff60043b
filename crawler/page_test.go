package crawler

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]Outcome{
		200: OutcomeFetched, 201: OutcomeFetched, 204: OutcomeFetched, 206: OutcomeFetched, 299: OutcomeFetched,
		301: OutcomeRedirected, 302: OutcomeRedirected, 303: OutcomeRedirected, 307: OutcomeRedirected, 308: OutcomeRedirected,
		300: OutcomeFailed, 305: OutcomeFailed, 306: OutcomeFailed, 304: OutcomeNotModified,
		400: OutcomeFailed, 401: OutcomeFailed, 403: OutcomeFailed, 405: OutcomeFailed, 451: OutcomeFailed,
		404: OutcomeGone, 410: OutcomeGone,
		408: OutcomeRetry, 429: OutcomeRetry, 500: OutcomeRetry, 502: OutcomeRetry, 503: OutcomeRetry, 504: OutcomeRetry, 599: OutcomeRetry,
		0: OutcomeFailed, 101: OutcomeFailed,
	} {
		if got := (&Page{Status: status}).Outcome(); got != want {
			t.Errorf("%d means %s, want %s", status, got, want)
		}
	}
}

func TestAFaultCountsMoreThanTheStatus(t *testing.T) {
	t.Parallel()
	for passes, want := range map[bool]Outcome{true: OutcomeRetry, false: OutcomeFailed} {
		for _, status := range []int{0, 200, 301, 404} {
			p := Page{Status: status, Fault: &Fault{Kind: FaultReset, Passes: passes}}
			if got := p.Outcome(); got != want {
				t.Errorf("%d with a fault that passes: %v means %s, want %s", status, passes, got, want)
			}
		}
	}
}

func TestAllOutcomesButRetryAreFinal(t *testing.T) {
	t.Parallel()
	for _, o := range Outcomes {
		if got, want := o.Final(), o != OutcomeRetry; got != want {
			t.Errorf("%s is final: %v, want %v", o, got, want)
		}
	}
}

func TestAPageIsReleasedOnce(t *testing.T) {
	t.Parallel()
	released := 0
	p := Page{Body: &Body{Release: func() { released++ }}}
	p.Release()
	p.Release()
	(&Page{}).Release()
	if released != 1 || p.Body != nil {
		t.Errorf("it was released %d times", released)
	}
}

func TestABodyIsReadFromMemoryAndFile(t *testing.T) {
	t.Parallel()
	spill, err := os.Create(filepath.Join(t.TempDir(), "spill"))
	if err != nil {
		t.Fatal(err)
	}
	defer spill.Close()
	if _, err := spill.WriteString("and the rest, and what is not of it"); err != nil {
		t.Fatal(err)
	}
	for want, b := range map[string]Body{
		"":                      {},
		"the head":              {Head: []byte("the head"), Size: 8},
		"the head and the rest": {Head: []byte("the head "), Spill: spill, Size: 21},
	} {
		for range 2 {
			var got strings.Builder
			if _, err := io.Copy(&got, b.Reader()); err != nil || got.String() != want {
				t.Errorf("read %q, %v; want %q", got.String(), err, want)
			}
		}
	}
}

func TestTheCountersTellWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := Counters{Seen: 10, Waiting: 3, Flight: 2, Outcomes: map[Outcome]int64{OutcomeFetched: 4, OutcomeGone: 1}}
	if c.Settled() != 5 || c.Pages() != 4 || !c.Idle() || c.Out() != 0 {
		t.Errorf("settled %d, pages %d, idle %v, out %d", c.Settled(), c.Pages(), c.Idle(), c.Out())
	}
	for _, busy := range []Counters{{Due: 1}, {Armed: 1}, {Open: 1}} {
		if busy.Idle() {
			t.Errorf("%+v is idle", busy)
		}
	}
}
