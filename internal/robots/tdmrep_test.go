package robots

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

const tdmFile = "https://example.com" + tdmrepPath

// reservation returns what is said about the page at url: "1", "0", or "" for nothing.
func (w *robotsTest) reservation(t *testing.T, r *Robots, url string) string {
	t.Helper()
	policy, err := r.WithReservations(t.Context(), fetched.RobotsPolicy{Allowed: func(crawler.URL) bool { return true }},
		mustParse(t, url), w.get)
	if err != nil {
		t.Fatal(err)
	}
	if policy.Rights == nil {
		return ""
	}
	for _, s := range policy.Rights(mustParse(t, url)) {
		return s.Value
	}
	return ""
}

func TestReservationsOfPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, url, want string }{
		{"of the path", `[{"location":"/x","tdm-reservation":1}]`, page, "1"},
		{"of another path", `[{"location":"/y","tdm-reservation":1}]`, page, ""},
		{"the first that matches", `[{"location":"/x","tdm-reservation":0},{"location":"/x/page","tdm-reservation":1}]`, page, "0"},
		{"a pattern", `[{"location":"/*.pdf$","tdm-reservation":1}]`, "https://example.com/a/b.pdf", "1"},
		{"a pattern without a slash", `[{"location":"*","tdm-reservation":1}]`, page, "1"},
		{"the root", `[{"location":"/$","tdm-reservation":1}]`, "https://example.com", "1"},
		{"cut off", `[{"location":"/x","tdm-reservation":1},{"loc`, page, "1"},
		{"of 50 MB", `[{"location":"/x","tdm-reservation":1},` + strings.Repeat(" ", 50<<20) + `]`, page, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{tdmFile: file(c.text)})
			if got := w.reservation(t, w.Robots, c.url); got != c.want {
				t.Errorf("reservation %q, want %q", got, c.want)
			}
			w.wantRequests(t, tdmFile)
		})
	}
}

func TestATDMFileIsRequestedOnceADayForTheFleet(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{tdmFile: file(`[{"location":"/","tdm-reservation":1}]`)})
	for range 2 {
		if w.reservation(t, w.Robots, page) != "1" || w.reservation(t, w.otherProcess(), page) != "1" {
			t.Fatal("nothing is reserved")
		}
	}
	w.wantRequests(t, tdmFile)
	w.clock.advance(rulesLife)
	w.answer(tdmFile, status(404))
	if got := w.reservation(t, w.Robots, page); got != "" {
		t.Errorf("reservation %q without a file", got)
	}
	w.reservation(t, w.Robots, page)
	w.wantRequests(t, tdmFile, tdmFile)
}

func TestATDMFileThatCannotBeFetchedSaysNothingForAnHour(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fetched.Page{
		"a server error": status(500), "no answer": fault(fetched.FaultTimeout, "no answer", true),
		"a private address": fault(fetched.FaultBlocked, "10.0.0.1 is private", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{tdmFile: answer})
			w.reservation(t, w.Robots, page)
			w.answer(tdmFile, file(`[{"location":"/","tdm-reservation":1}]`))
			if got := w.reservation(t, w.Robots, page); got != "" {
				t.Errorf("reservation %q", got)
			}
			w.wantRequests(t, tdmFile)
			w.clock.advance(failureLife + time.Second)
			if got := w.reservation(t, w.Robots, page); got != "1" {
				t.Errorf("reservation %q an hour later, want 1", got)
			}
		})
	}
}

func TestRedirectsOfATDMFileAreFollowed(t *testing.T) {
	t.Parallel()
	const elsewhere = "https://www.example.com/tdm.json"
	w := newRobotsTest(map[string]fetched.Page{
		tdmFile: redirect(t, elsewhere), elsewhere: file(`[{"location":"/","tdm-reservation":1}]`),
	})
	if got := w.reservation(t, w.Robots, page); got != "1" {
		t.Errorf("reservation %q, want 1", got)
	}
	w.answer(elsewhere, redirect(t, tdmFile))
	w.clock.advance(rulesLife)
	if got := w.reservation(t, w.Robots, page); got != "" {
		t.Errorf("reservation %q of redirects in a circle", got)
	}
}

func TestATDMFileIsNotRequestedAgainBecauseTheCacheFailed(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{tdmFile: file(`[{"location":"/","tdm-reservation":1}]`)})
	broken := errors.New("the cache is away")
	get := func(ctx context.Context, u crawler.URL) (*fetched.Page, error) {
		w.cache.err = broken
		return w.get(ctx, u)
	}
	all := fetched.RobotsPolicy{Allowed: func(crawler.URL) bool { return true }}
	if _, err := w.WithReservations(t.Context(), all, mustParse(t, page), get); !errors.Is(err, broken) {
		t.Fatalf("error %v, want that of the cache", err)
	}
	w.cache.err = nil
	if got := w.reservation(t, w.Robots, page); got != "1" {
		t.Errorf("reservation %q, want 1", got)
	}
	w.wantRequests(t, tdmFile)
}
