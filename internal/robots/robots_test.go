package robots

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

const (
	page   = "https://example.com/x/page"
	robots = "https://example.com/robots.txt"
)

// robotsTest is a fake web, a clock, a shared cache, and one process that uses them.
type robotsTest struct {
	*fakeWeb
	clock *clock
	cache *memoryCache
	*Robots
	job crawler.Job
}

func newRobotsTest(pages map[string]fetched.Page) *robotsTest {
	c := newClock()
	w := &robotsTest{fakeWeb: newFakeWeb(pages), clock: c, cache: newMemoryCache(c), job: crawler.DefaultJob()}
	w.Robots = w.otherProcess()
	return w
}

// otherProcess returns another process with the same cache.
func (w *robotsTest) otherProcess() *Robots { return New(w.cache, Config{Now: w.clock.Now}) }

// rule returns r's robots policy for the page at url.
func (w *robotsTest) rule(t *testing.T, r *Robots, url string) fetched.RobotsPolicy {
	t.Helper()
	policy, err := r.RobotsPolicy(t.Context(), w.job, mustParse(t, url), w.get)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func mustParse(t *testing.T, url string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// allows fails the test unless the robots policy has the given answer for url.
func allows(t *testing.T, policy fetched.RobotsPolicy, url string, want bool) {
	t.Helper()
	if policy.Allowed == nil {
		t.Fatalf("robots.txt is unavailable: %s", policy.Unavailable)
	}
	if got := policy.Allowed(mustParse(t, url)); got != want {
		t.Errorf("%s is allowed: %v, want %v", url, got, want)
	}
}

// refused fails the test unless the robots policy allows nothing, for the given reason.
func refused(t *testing.T, policy fetched.RobotsPolicy, reason string) {
	t.Helper()
	if policy.Allowed != nil || policy.Unavailable != reason {
		t.Fatalf("unavailable %q (allows: %v), want %q", policy.Unavailable, policy.Allowed != nil, reason)
	}
}

// pauses fails the test unless the policy asks for a pause of want, minus up to a quarter of
// jitter.
func pauses(t *testing.T, policy fetched.RobotsPolicy, want time.Duration) {
	t.Helper()
	if policy.Again > want || policy.Again < want*3/4 {
		t.Errorf("asked again in %v, want %v to %v", policy.Again, want*3/4, want)
	}
}

func TestTheRulesOfASiteAreFollowed(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{
		robots: file("User-agent: other\nDisallow: /\nUser-agent: trawl\nDisallow: /x\nCrawl-delay: 5\n"),
	})
	policy := w.rule(t, w.Robots, page)
	allows(t, policy, page, false)
	allows(t, policy, "https://example.com/y", true)
	if policy.Delay != 5*time.Second || policy.Unavailable != "" || policy.Again != 0 {
		t.Errorf("policy %+v, want a delay of 5s alone", policy)
	}
	w.wantRequests(t, robots)
}

func TestACrawlDelayIsCapped(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nCrawl-delay: 86400\n")})
	if got := w.rule(t, w.Robots, page).Delay; got != time.Minute {
		t.Errorf("delay %v, want the cap of 1m", got)
	}
}

func TestAJobMayIgnoreRobots(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /\nCrawl-delay: 5\n")})
	w.job.IgnoreRobots = true
	policy := w.rule(t, w.Robots, page)
	allows(t, policy, page, true)
	if policy.Delay != 0 {
		t.Errorf("delay %v, want none", policy.Delay)
	}
	w.wantRequests(t)
}

func TestEachOriginHasItsOwnRules(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{
		robots:                                file("User-agent: *\nDisallow: /x\n"),
		"https://example.com:8443/robots.txt": file("User-agent: *\nDisallow: /y\n"),
	})
	allows(t, w.rule(t, w.Robots, page), page, false)
	allows(t, w.rule(t, w.Robots, "http://example.com/x"), "http://example.com/x", true)
	allows(t, w.rule(t, w.Robots, "https://example.com:8443/x"), "https://example.com:8443/x", true)
	allows(t, w.rule(t, w.Robots, "https://u:p@example.com/x"), "https://u:p@example.com/x", false)
	w.wantRequests(t, robots, "http://example.com/robots.txt", "https://example.com:8443/robots.txt")
}

func TestEachProductTokenHasItsOwnRules(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: trawl\nDisallow: /\n")})
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.job.UserAgent = "Other/1.0"
	allows(t, w.rule(t, w.Robots, page), page, true)
	w.wantRequests(t, robots)
}

func TestRobotsIsAskedForOnceADay(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /x\n")})
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.clock.advance(24*time.Hour - time.Millisecond)
	w.fakeWeb.answer(robots, file("User-agent: *\nDisallow: /y\n"))
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.wantRequests(t, robots)
	w.clock.advance(time.Millisecond)
	allows(t, w.rule(t, w.Robots, page), page, true)
	w.wantRequests(t, robots, robots)
}

func TestAFleetAsksOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fetched.Page{
		"for rules":                     file("User-agent: *\nDisallow: /\n"),
		"for a file that is not there":  status(404),
		"for a file that cannot be had": status(503),
		"for a host that is not there":  fault(fetched.FaultResolve, "no such host", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{robots: answer})
			first, second := w.rule(t, w.Robots, page), w.rule(t, w.otherProcess(), page)
			if first.Unavailable != second.Unavailable || first.Again != second.Again ||
				(first.Allowed == nil) != (second.Allowed == nil) {
				t.Errorf("the second process rules %+v, the first %+v", second, first)
			}
			w.wantRequests(t, robots)
		})
	}
}

func TestCallersForOneOriginShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /x\n")})
		answer := make(chan struct{})
		get := func(ctx context.Context, u crawler.URL) (*fetched.Page, error) {
			<-answer
			return w.get(ctx, u)
		}
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				policy, err := w.RobotsPolicy(t.Context(), w.job, mustParse(t, page), get)
				if err != nil {
					t.Error(err)
					return
				}
				allows(t, policy, page, false)
			})
		}
		synctest.Wait()
		close(answer)
		callers.Wait()
		w.wantRequests(t, robots)
	})
}

func TestACancelledCallerLetsTheNextOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /x\n")})
		ctx, cancel := context.WithCancel(t.Context())
		hanging := func(ctx context.Context, _ crawler.URL) (*fetched.Page, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var callers sync.WaitGroup
		call := func(ctx context.Context, get Getter, want error) {
			callers.Go(func() {
				if _, err := w.RobotsPolicy(ctx, w.job, mustParse(t, page), get); !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		call(ctx, hanging, context.Canceled) // fetches first
		call(ctx, w.get, context.Canceled)   // waits, and is cancelled with the first
		call(t.Context(), w.get, nil)        // waits, and fetches afterwards
		cancel()
		callers.Wait()
		w.wantRequests(t, robots)
		if len(w.turns.turns) != 0 {
			t.Errorf("%d locks are left", len(w.turns.turns))
		}
	})
}

func TestRetriesHaveGrowingPausesAndAnEnd(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: status(503)})
	asked := []string{robots}
	for _, pause := range []time.Duration{1, 4, 16, 64} {
		policy := w.rule(t, w.otherProcess(), page) // the whole fleet shares the count
		refused(t, policy, "robots.txt answered 503")
		pauses(t, policy, pause*time.Second)
		w.clock.advance(policy.Again - time.Millisecond)
		if early := w.rule(t, w.otherProcess(), page); early.Again != time.Millisecond {
			t.Errorf("asked early, it is to be asked again in %v, want 1ms", early.Again)
		}
		w.wantRequests(t, asked...)
		w.clock.advance(time.Millisecond)
		asked = append(asked, robots)
	}
	for range 2 { // the fifth try, and what is remembered of it
		policy := w.rule(t, w.otherProcess(), page)
		refused(t, policy, "robots.txt answered 503")
		if policy.Again != 0 {
			t.Errorf("given up, it is to be asked again in %v", policy.Again)
		}
		w.wantRequests(t, asked...)
		w.clock.advance(time.Hour - time.Millisecond)
	}
}

func TestAnOriginThatWasGivenUpIsRetriedAfterAnHour(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]fetched.Page{
		"after too many tries": status(503),
		"at once":              fault(fetched.FaultResolve, "no such host", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{robots: answer})
			w.job.RobotsTries = 1
			if policy := w.rule(t, w.Robots, page); policy.Allowed != nil || policy.Again != 0 {
				t.Fatalf("policy %+v, want it given up", policy)
			}
			w.fakeWeb.answer(robots, file("User-agent: *\nDisallow: /x\n"))
			w.clock.advance(time.Hour - time.Millisecond)
			if policy := w.rule(t, w.Robots, page); policy.Allowed != nil || policy.Again != 0 {
				t.Fatalf("policy %+v, want it given up still", policy)
			}
			w.clock.advance(time.Millisecond)
			allows(t, w.rule(t, w.Robots, page), page, false)
			w.wantRequests(t, robots, robots)
		})
	}
}

func TestASiteThatComesBackIsFollowed(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: status(503)})
	refused(t, w.rule(t, w.Robots, page), "robots.txt answered 503")
	w.fakeWeb.answer(robots, file("User-agent: *\nDisallow: /x\n"))
	w.clock.advance(time.Second)
	allows(t, w.rule(t, w.Robots, page), page, false)
}

func TestAPatientJobGoesOnWhereAnotherGaveUp(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: status(503)})
	w.job.RobotsTries = 1
	if policy := w.rule(t, w.Robots, page); policy.Again != 0 {
		t.Errorf("asked again in %v, want it given up", policy.Again)
	}
	w.job.RobotsTries = 2
	pauses(t, w.rule(t, w.Robots, page), time.Second)
	w.wantRequests(t, robots)
}

func TestAnInternalFailureIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("out of order")
	t.Run("in the cache", func(t *testing.T) {
		t.Parallel()
		w := newRobotsTest(map[string]fetched.Page{})
		w.cache.err = broken
		if _, err := w.RobotsPolicy(t.Context(), w.job, mustParse(t, page), w.get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	})
	t.Run("in the cache after the site has responded; the site is not asked again", func(t *testing.T) {
		t.Parallel()
		w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nCrawl-delay: 9")})
		get := func(ctx context.Context, u crawler.URL) (*fetched.Page, error) {
			w.cache.err = broken
			return w.get(ctx, u)
		}
		if _, err := w.RobotsPolicy(t.Context(), w.job, mustParse(t, page), get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		w.cache.err = nil
		if got := w.rule(t, w.Robots, page); got.Delay != 9*time.Second {
			t.Errorf("the delay is %v, want 9s", got.Delay)
		}
		w.wantRequests(t, robots)
		if _, found, _ := w.cache.Get(t.Context(), "https://example.com"); !found {
			t.Error("the cache is empty after it works again")
		}
	})
	t.Run("in the getter; it is not remembered", func(t *testing.T) {
		t.Parallel()
		w := newRobotsTest(map[string]fetched.Page{})
		get := func(context.Context, crawler.URL) (*fetched.Page, error) { return nil, broken }
		if _, err := w.RobotsPolicy(t.Context(), w.job, mustParse(t, page), get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		allows(t, w.rule(t, w.Robots, page), page, true)
	})
}

func TestAnUnreadableValueIsFetchedAgain(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /x\n")})
	w.cache.values["https://example.com"] = cachedValue{[]byte("not ours"), w.clock.Now().Add(time.Hour)}
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.wantRequests(t, robots)
}

func TestAClockThatIsAheadExtendsNoPause(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{})
	ahead := record{kind: kindUnreachable, at: w.clock.Now().Add(time.Hour), tries: 1, pause: time.Second, text: "gone"}
	w.cache.values["https://example.com"] = cachedValue{ahead.pack(), w.clock.Now().Add(time.Hour)}
	if got := w.rule(t, w.Robots, page).Again; got != time.Second {
		t.Errorf("asked again in %v, want 1s", got)
	}
}
