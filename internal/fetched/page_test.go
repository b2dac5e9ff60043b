package fetched

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]crawler.Outcome{
		200: crawler.OutcomeFetched, 201: crawler.OutcomeFetched, 204: crawler.OutcomeFetched,
		206: crawler.OutcomeFetched, 299: crawler.OutcomeFetched,
		301: crawler.OutcomeRedirected, 302: crawler.OutcomeRedirected, 303: crawler.OutcomeRedirected,
		307: crawler.OutcomeRedirected, 308: crawler.OutcomeRedirected,
		300: crawler.OutcomeFailed, 305: crawler.OutcomeFailed, 306: crawler.OutcomeFailed,
		304: crawler.OutcomeNotModified,
		400: crawler.OutcomeFailed, 401: crawler.OutcomeFailed, 403: crawler.OutcomeFailed, 405: crawler.OutcomeFailed,
		451: crawler.OutcomeFailed,
		402: crawler.OutcomePaymentRequired,
		404: crawler.OutcomeGone, 410: crawler.OutcomeGone,
		408: crawler.OutcomeRetry, 429: crawler.OutcomeRetry, 500: crawler.OutcomeRetry, 502: crawler.OutcomeRetry,
		503: crawler.OutcomeRetry, 504: crawler.OutcomeRetry, 599: crawler.OutcomeRetry,
		0: crawler.OutcomeFailed, 101: crawler.OutcomeFailed,
	} {
		if got := (&Page{Status: status}).Outcome(); got != want {
			t.Errorf("%d means %s, want %s", status, got, want)
		}
	}
}

func TestAFaultCountsMoreThanTheStatus(t *testing.T) {
	t.Parallel()
	for passes, want := range map[bool]crawler.Outcome{true: crawler.OutcomeRetry, false: crawler.OutcomeFailed} {
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
	for _, o := range queue.Outcomes {
		if got, want := o.Final(), o != crawler.OutcomeRetry; got != want {
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
	c := crawler.Counters{Seen: 10, Waiting: 3, Flight: 2,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 4, crawler.OutcomeGone: 1}}
	if c.Settled() != 5 || c.Pages() != 4 || !c.Idle() || c.Out() != 0 {
		t.Errorf("settled %d, pages %d, idle %v, out %d", c.Settled(), c.Pages(), c.Idle(), c.Out())
	}
	for _, busy := range []crawler.Counters{{Due: 1}, {Armed: 1}, {Open: 1}} {
		if busy.Idle() {
			t.Errorf("%+v is idle", busy)
		}
	}
}
