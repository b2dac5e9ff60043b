package robots

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

const (
	page   = "https://example.com/x/page"
	robots = "https://example.com/robots.txt"
)

// world is a web, a clock, a shared cache, and one process that rules.
type world struct {
	*site
	clock *clock
	shelf *shelf
	*Robots
	job crawler.Job
}

func newWorld(pages map[string]crawler.Page) *world {
	c := newClock()
	w := &world{site: newSite(pages), clock: c, shelf: newShelf(c), job: crawler.DefaultJob()}
	w.Robots = w.another()
	return w
}

// another returns one more process over the same cache.
func (w *world) another() *Robots { return New(w.shelf, Config{Now: w.clock.Now}) }

// rule returns r's ruling for the page at url.
func (w *world) rule(t *testing.T, r *Robots, url string) crawler.Ruling {
	t.Helper()
	ruling, err := r.Ruling(t.Context(), w.job, mustParse(t, url), w.get)
	if err != nil {
		t.Fatal(err)
	}
	return ruling
}

func mustParse(t *testing.T, url string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// allows fails the test unless the ruling has the given answer for url.
func allows(t *testing.T, ruling crawler.Ruling, url string, want bool) {
	t.Helper()
	if ruling.Allowed == nil {
		t.Fatalf("robots.txt is unavailable: %s", ruling.Unavailable)
	}
	if got := ruling.Allowed(mustParse(t, url)); got != want {
		t.Errorf("%s is allowed: %v, want %v", url, got, want)
	}
}

// refused fails the test unless the ruling allows nothing, for the reason.
func refused(t *testing.T, ruling crawler.Ruling, reason string) {
	t.Helper()
	if ruling.Allowed != nil || ruling.Unavailable != reason {
		t.Fatalf("unavailable %q (allows: %v), want %q", ruling.Unavailable, ruling.Allowed != nil, reason)
	}
}

// pauses fails the test unless the ruling is for a pause that is, but for the
// quarter that chance takes off, as long as want.
func pauses(t *testing.T, ruling crawler.Ruling, want time.Duration) {
	t.Helper()
	if ruling.Again > want || ruling.Again < want*3/4 {
		t.Errorf("asked again in %v, want %v to %v", ruling.Again, want*3/4, want)
	}
}

func TestTheRulesOfASiteAreFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{
		robots: file("User-agent: other\nDisallow: /\nUser-agent: trawl\nDisallow: /x\nCrawl-delay: 5\n"),
	})
	ruling := w.rule(t, w.Robots, page)
	allows(t, ruling, page, false)
	allows(t, ruling, "https://example.com/y", true)
	if ruling.Delay != 5*time.Second || ruling.Unavailable != "" || ruling.Again != 0 {
		t.Errorf("ruling %+v, want a delay of 5s alone", ruling)
	}
	w.wasAsked(t, robots)
}

func TestACrawlDelayIsCapped(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nCrawl-delay: 86400\n")})
	if got := w.rule(t, w.Robots, page).Delay; got != time.Minute {
		t.Errorf("delay %v, want the cap of 1m", got)
	}
}

func TestAJobMayIgnoreRobots(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nDisallow: /\nCrawl-delay: 5\n")})
	w.job.IgnoreRobots = true
	ruling := w.rule(t, w.Robots, page)
	allows(t, ruling, page, true)
	if ruling.Delay != 0 {
		t.Errorf("delay %v, want none", ruling.Delay)
	}
	w.wasAsked(t)
}

func TestEachOriginHasItsOwnRules(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{
		robots:                                file("User-agent: *\nDisallow: /x\n"),
		"https://example.com:8443/robots.txt": file("User-agent: *\nDisallow: /y\n"),
	})
	allows(t, w.rule(t, w.Robots, page), page, false)
	allows(t, w.rule(t, w.Robots, "http://example.com/x"), "http://example.com/x", true)
	allows(t, w.rule(t, w.Robots, "https://example.com:8443/x"), "https://example.com:8443/x", true)
	allows(t, w.rule(t, w.Robots, "https://u:p@example.com/x"), "https://u:p@example.com/x", false)
	w.wasAsked(t, robots, "http://example.com/robots.txt", "https://example.com:8443/robots.txt")
}

func TestEachProductTokenHasItsOwnRules(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: file("User-agent: trawl\nDisallow: /\n")})
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.job.UserAgent = "Other/1.0"
	allows(t, w.rule(t, w.Robots, page), page, true)
	w.wasAsked(t, robots)
}

func TestRobotsIsAskedForOnceADay(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nDisallow: /x\n")})
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.clock.pass(24*time.Hour - time.Millisecond)
	w.site.answer(robots, file("User-agent: *\nDisallow: /y\n"))
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.wasAsked(t, robots)
	w.clock.pass(time.Millisecond)
	allows(t, w.rule(t, w.Robots, page), page, true)
	w.wasAsked(t, robots, robots)
}

func TestAFleetAsksOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]crawler.Page{
		"for rules":                      file("User-agent: *\nDisallow: /\n"),
		"for a file that is not there":   status(404),
		"for a file that can not be had": status(503),
		"for a host that is not there":   fault(crawler.FaultResolve, "no such host", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(map[string]crawler.Page{robots: answer})
			first, second := w.rule(t, w.Robots, page), w.rule(t, w.another(), page)
			if first.Unavailable != second.Unavailable || first.Again != second.Again || (first.Allowed == nil) != (second.Allowed == nil) {
				t.Errorf("the second process rules %+v, the first %+v", second, first)
			}
			w.wasAsked(t, robots)
		})
	}
}

func TestCallersForOneOriginShareOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nDisallow: /x\n")})
		answer := make(chan struct{})
		get := func(ctx context.Context, u crawler.URL) (*crawler.Page, error) {
			<-answer
			return w.get(ctx, u)
		}
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() {
				ruling, err := w.Ruling(t.Context(), w.job, mustParse(t, page), get)
				if err != nil {
					t.Error(err)
					return
				}
				allows(t, ruling, page, false)
			})
		}
		synctest.Wait()
		close(answer)
		callers.Wait()
		w.wasAsked(t, robots)
	})
}

func TestACallerThatIsCancelledHandsItsTurnOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nDisallow: /x\n")})
		ctx, cancel := context.WithCancel(t.Context())
		hanging := func(ctx context.Context, _ crawler.URL) (*crawler.Page, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var callers sync.WaitGroup
		call := func(ctx context.Context, get Getter, want error) {
			callers.Go(func() {
				if _, err := w.Ruling(ctx, w.job, mustParse(t, page), get); !errors.Is(err, want) {
					t.Errorf("error %v, want %v", err, want)
				}
			})
			synctest.Wait()
		}
		call(ctx, hanging, context.Canceled) // holds the turn
		call(ctx, w.get, context.Canceled)   // waits, and goes with the first
		call(t.Context(), w.get, nil)        // waits, and fetches
		cancel()
		callers.Wait()
		w.wasAsked(t, robots)
		if len(w.turns.doors) != 0 {
			t.Errorf("%d turns are left", len(w.turns.doors))
		}
	})
}

func TestTriesHaveGrowingPausesAndAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: status(503)})
	asked := []string{robots}
	for _, pause := range []time.Duration{1, 4, 16, 64} {
		ruling := w.rule(t, w.another(), page) // the count is the fleet's
		refused(t, ruling, "robots.txt answered 503")
		pauses(t, ruling, pause*time.Second)
		w.clock.pass(ruling.Again - time.Millisecond)
		if early := w.rule(t, w.another(), page); early.Again != time.Millisecond {
			t.Errorf("asked early, it is to be asked again in %v, want 1ms", early.Again)
		}
		w.wasAsked(t, asked...)
		w.clock.pass(time.Millisecond)
		asked = append(asked, robots)
	}
	for range 2 { // the fifth try, and what is remembered of it
		ruling := w.rule(t, w.another(), page)
		refused(t, ruling, "robots.txt answered 503")
		if ruling.Again != 0 {
			t.Errorf("given up, it is to be asked again in %v", ruling.Again)
		}
		w.wasAsked(t, asked...)
		w.clock.pass(time.Hour - time.Millisecond)
	}
}

func TestWhatWasGivenUpIsAskedAnewAfterAnHour(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]crawler.Page{
		"after too many tries": status(503),
		"at once":              fault(crawler.FaultResolve, "no such host", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(map[string]crawler.Page{robots: answer})
			w.job.RobotsTries = 1
			if ruling := w.rule(t, w.Robots, page); ruling.Allowed != nil || ruling.Again != 0 {
				t.Fatalf("ruling %+v, want it given up", ruling)
			}
			w.site.answer(robots, file("User-agent: *\nDisallow: /x\n"))
			w.clock.pass(time.Hour - time.Millisecond)
			if ruling := w.rule(t, w.Robots, page); ruling.Allowed != nil || ruling.Again != 0 {
				t.Fatalf("ruling %+v, want it given up still", ruling)
			}
			w.clock.pass(time.Millisecond)
			allows(t, w.rule(t, w.Robots, page), page, false)
			w.wasAsked(t, robots, robots)
		})
	}
}

func TestASiteThatComesBackIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: status(503)})
	refused(t, w.rule(t, w.Robots, page), "robots.txt answered 503")
	w.site.answer(robots, file("User-agent: *\nDisallow: /x\n"))
	w.clock.pass(time.Second)
	allows(t, w.rule(t, w.Robots, page), page, false)
}

func TestAPatientJobGoesOnWhereAnotherGaveUp(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: status(503)})
	w.job.RobotsTries = 1
	if ruling := w.rule(t, w.Robots, page); ruling.Again != 0 {
		t.Errorf("asked again in %v, want it given up", ruling.Again)
	}
	w.job.RobotsTries = 2
	pauses(t, w.rule(t, w.Robots, page), time.Second)
	w.wasAsked(t, robots)
}

func TestAFailureOfTheHouseIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("out of order")
	t.Run("in the cache", func(t *testing.T) {
		t.Parallel()
		w := newWorld(map[string]crawler.Page{})
		w.shelf.broken = broken
		if _, err := w.Ruling(t.Context(), w.job, mustParse(t, page), w.get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
	})
	t.Run("in the cache after the site has answered, which is not asked again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nCrawl-delay: 9")})
		get := func(ctx context.Context, u crawler.URL) (*crawler.Page, error) {
			w.shelf.broken = broken
			return w.get(ctx, u)
		}
		if _, err := w.Ruling(t.Context(), w.job, mustParse(t, page), get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		w.shelf.broken = nil
		if got := w.rule(t, w.Robots, page); got.Delay != 9*time.Second {
			t.Errorf("the delay is %v, want 9s", got.Delay)
		}
		w.wasAsked(t, robots)
		if _, found, _ := w.shelf.Get(t.Context(), "https://example.com"); !found {
			t.Error("the cache has nothing when it works again")
		}
	})
	t.Run("in the getter, which is not remembered", func(t *testing.T) {
		t.Parallel()
		w := newWorld(map[string]crawler.Page{})
		get := func(context.Context, crawler.URL) (*crawler.Page, error) { return nil, broken }
		if _, err := w.Ruling(t.Context(), w.job, mustParse(t, page), get); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		allows(t, w.rule(t, w.Robots, page), page, true)
	})
}

func TestAnUnreadableValueIsAskedForAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{robots: file("User-agent: *\nDisallow: /x\n")})
	w.shelf.values["https://example.com"] = shelved{[]byte("not ours"), w.clock.Now().Add(time.Hour)}
	allows(t, w.rule(t, w.Robots, page), page, false)
	w.wasAsked(t, robots)
}

func TestAClockThatIsAheadExtendsNoPause(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]crawler.Page{})
	ahead := record{kind: kindUnreachable, at: w.clock.Now().Add(time.Hour), tries: 1, pause: time.Second, text: "gone"}
	w.shelf.values["https://example.com"] = shelved{ahead.pack(), w.clock.Now().Add(time.Hour)}
	if got := w.rule(t, w.Robots, page).Again; got != time.Second {
		t.Errorf("asked again in %v, want 1s", got)
	}
}
