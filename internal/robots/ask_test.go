package robots

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	long := "User-agent: *\nDisallow: /x\n" + strings.Repeat("#", MaxSize)
	cut := fetched.Page{Status: 200, Truncated: true, Body: &fetched.Body{Head: []byte(long[:MaxSize]), Size: MaxSize}}
	broken := file("User-agent: *\nDisallow: /x\n")
	broken.Truncated = true
	for _, test := range []struct {
		name        string
		answer      fetched.Page
		unavailable string // "" if it is available
		allowed     bool   // the policy's answer for the page
		final       bool   // it is given up at once
	}{
		{"200 with rules", file("User-agent: *\nDisallow: /x\n"), "", false, false},
		{"200 with a page", file("<html><title>Not found</title></html>"), "", true, false},
		{"200 cut at the limit", cut, "", false, false},
		{"200 broken off", broken, "robots.txt broke off after 27 bytes", false, false},
		{"204", status(204), "", true, false},
		{"an unrequested 304", status(304), "robots.txt answered 304", false, false},
		{"a redirect to nowhere", status(301), "", true, false},
		{"403", status(403), "", true, false},
		{"404", status(404), "", true, false},
		{"429", status(429), "", true, false},
		{"500", status(500), "robots.txt answered 500", false, false},
		{"503", status(503), "robots.txt answered 503", false, false},
		{"599", status(599), "robots.txt answered 599", false, false},
		{"a refused connection", fault(fetched.FaultConnect, "connection refused", true),
			"robots.txt could not be fetched: connection refused", false, false},
		{"a timeout", fault(fetched.FaultTimeout, "no answer in 1m0s", true),
			"robots.txt could not be fetched: no answer in 1m0s", false, false},
		{"an invalid certificate", fault(fetched.FaultTLS, "expired", false),
			"robots.txt could not be fetched: expired", false, false},
		{"a name server that is down", fault(fetched.FaultResolve, "no answer", true),
			"robots.txt could not be fetched: no answer", false, false},
		{"a name that does not exist", fault(fetched.FaultResolve, "no such host", false),
			"host does not resolve: no such host", false, true},
		{"an address that is blocked", fault(fetched.FaultBlocked, "10.0.0.1 is private", true), "10.0.0.1 is private",
			false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{robots: test.answer})
			policy := w.rule(t, w.Robots, page)
			if test.unavailable == "" {
				allows(t, policy, page, test.allowed)
				return
			}
			refused(t, policy, test.unavailable)
			var class crawler.ErrorClass // "" if the host responded
			if f := test.answer.Fault; f != nil {
				class = fetched.ClassOf(f.Kind)
			}
			if policy.Class != class {
				t.Errorf("its class is %q, want %q", policy.Class, class)
			}
			if (policy.Again == 0) != test.final {
				t.Errorf("again in %v, want final: %v", policy.Again, test.final)
			}
			w.wantRequests(t, robots)
		})
	}
}

func TestABodyInAFileIsReadWhole(t *testing.T) {
	t.Parallel()
	spill, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer spill.Close()
	if _, err := spill.WriteString("Disallow: /x\n"); err != nil {
		t.Fatal(err)
	}
	w := newRobotsTest(map[string]fetched.Page{robots: {Status: 200,
		Body: &fetched.Body{Head: []byte("User-agent: *\n"), Spill: spill, Size: 27}}})
	allows(t, w.rule(t, w.Robots, page), page, false)
}

func TestFiveRedirectsAreFollowed(t *testing.T) {
	t.Parallel()
	const hop = "https://other.example/"
	chain := func(t *testing.T, last fetched.Page, hops int) *robotsTest {
		pages := map[string]fetched.Page{}
		at := robots
		for i := range hops {
			next := hop + string(rune('a'+i))
			pages[at] = redirect(t, next)
			at = next
		}
		pages[at] = last
		return newRobotsTest(pages)
	}
	t.Run("to the rules of the site that redirects", func(t *testing.T) {
		t.Parallel()
		w := chain(t, file("User-agent: *\nDisallow: /x\n"), 5)
		allows(t, w.rule(t, w.Robots, page), page, false)
		w.wantRequests(t, robots, hop+"a", hop+"b", hop+"c", hop+"d", hop+"e")
	})
	t.Run("and no more", func(t *testing.T) {
		t.Parallel()
		w := chain(t, file("User-agent: *\nDisallow: /x\n"), 6)
		allows(t, w.rule(t, w.Robots, page), page, true)
		w.wantRequests(t, robots, hop+"a", hop+"b", hop+"c", hop+"d", hop+"e")
	})
	t.Run("to an error", func(t *testing.T) {
		t.Parallel()
		w := chain(t, status(503), 1)
		refused(t, w.rule(t, w.Robots, page), "robots.txt answered 503")
	})
}

func TestAnAnswerThatACancellationCutShortIsNotRemembered(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: fault(fetched.FaultReset, "cut short", true)})
	ctx, cancel := context.WithCancel(t.Context())
	stopping := func(ctx context.Context, u crawler.URL) (*fetched.Page, error) {
		cancel()
		return w.get(ctx, u)
	}
	if _, err := w.RobotsPolicy(ctx, w.job, mustParse(t, page), stopping); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	if len(w.cache.values) != 0 {
		t.Error("the result is remembered")
	}
	w.wantRequests(t, robots)
}

// Whether an address is blocked depends on the job and the worker, so that other ones soon look for
// themselves, although all share what is remembered.
func TestABlockedAddressIsNotRememberedForOthers(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: fault(fetched.FaultBlocked, "10.0.0.1 is private", true)})
	refused(t, w.rule(t, w.Robots, page), "10.0.0.1 is private")
	w.answer(robots, status(404))
	w.clock.advance(blockedLife)
	allows(t, w.rule(t, w.otherProcess(), page), page, true)
}
