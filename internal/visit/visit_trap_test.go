package visit_test

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// ordinarySite serves n pages at /page/0 and so on. They have the same layout, but different titles
// and links: each links to ten others.
type ordinarySite int

func (n ordinarySite) page(i int) string { return fmt.Sprintf("/page/%d", i) }

func (n ordinarySite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page/"))
	if err != nil || i >= int(n) {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "<title>Page %d</title>", i)
	for k := range 10 {
		fmt.Fprintf(w, "<a href=%q>on</a>", n.page((i*10+k+1)%int(n)))
	}
}

// hashText returns hexadecimal digits that look random, derived from a text.
func hashText(text string) string {
	sum := fnv.New64a()
	fmt.Fprint(sum, text)
	return fmt.Sprintf("%x4b7", sum.Sum64())
}

// trap is a function that generates a page for every request, with links to further pages of the
// trap.
type trap func(r *http.Request) (text string, links []string)

func (t trap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, to := t(r)
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<body>", text, links(to...), links("/page/0"))
}

var trapKinds = map[string]struct {
	start string
	trap  trap
}{
	"a calendar": {"/calendar/2026/1", func(r *http.Request) (string, []string) {
		var year, month int
		fmt.Sscanf(r.URL.Path, "/calendar/%d/%d", &year, &month)
		months := []string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
			"October", "November", "December"}
		at := func(n int) string { return fmt.Sprintf("/calendar/%d/%d", n/12, n%12+1) }
		n := year*12 + month - 1
		return fmt.Sprintf("<h1>%s %d</h1>Monday %d Tuesday %d: no events", months[(month+11)%12], year, year%7,
			year%5), []string{at(n - 1), at(n + 1)}
	}},
	"a calendar in the query": {"/cal?year=2026&month=1", func(r *http.Request) (string, []string) {
		var n int
		fmt.Sscan(r.URL.Query().Get("month"), &n)
		return fmt.Sprintf("Month %d has no events", n), []string{fmt.Sprintf("/cal?year=2026&month=%d", n+1)}
	}},
	"sessions": {"/shop/?sid=" + hashText(""), func(r *http.Request) (string, []string) {
		sid := r.URL.Query().Get("sid")
		var to []string
		for i, place := range []string{"/shop/", "/shop/lamps", "/shop/chairs"} {
			to = append(to, place+"?sid="+hashText(sid+strconv.Itoa(i)))
		}
		return "This is " + r.URL.Path, to
	}},
	"short sessions": {"/shop?sid=" + hashText("")[:8], func(r *http.Request) (string, []string) {
		next := hashText(r.URL.Query().Get("sid"))[:8]
		return "our shop", []string{"/shop?sid=" + next, "/shop?sid=" + next + "b"}
	}},
	"short errors with links": {"/soft/x", func(r *http.Request) (string, []string) {
		next := hashText(r.URL.Path)[:8]
		return "sorry, nothing here", []string{"/soft/" + next, "/soft/" + next + "x"}
	}},
	"a loop of paths": {"/loop/", func(r *http.Request) (string, []string) {
		return "here", []string{r.URL.Path + "a/", r.URL.Path + "b/"}
	}},
	"errors with links": {"/lost/" + hashText("x"), func(r *http.Request) (string, []string) {
		return "There is no " + r.URL.Path + ", but see",
			[]string{"/lost/" + hashText(r.URL.Path+"1"), "/lost/" + hashText(r.URL.Path+"2"),
				"/lost/" + hashText(r.URL.Path+"3")}
	}},
}

func TestATrapEndsAndOrdinaryPagesAreAllFetched(t *testing.T) {
	t.Parallel()
	for name, kind := range trapKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "sessions" {
				race.Skip(t) // one kind is enough for the detector
			}
			const pages = 600
			site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/page/") || r.URL.Path == "/robots.txt" {
					ordinarySite(pages).ServeHTTP(w, r)
				} else {
					kind.trap.ServeHTTP(w, r)
				}
			}))
			c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 4 }).seed("/page/0", kind.start)
			c.cfg.Pages = 150 // several visits, which pass on what they know of traps
			c.finish()
			got := 0
			for _, rec := range c.sink.records() {
				if strings.Contains(rec.URL, "/page/") && rec.Outcome == crawler.OutcomeFetched {
					got++
				}
				if rec.Outcome == crawler.OutcomeSkipped && !strings.HasPrefix(rec.Error, "trap: ") {
					t.Errorf("%s is skipped: %q", rec.URL, rec.Error)
				}
			}
			if got != pages {
				t.Errorf("%d of %d ordinary pages were fetched", got, pages)
			}
			if trapped := len(site.Requests()) - 1 - pages; trapped > 500 {
				t.Errorf("the trap received %d requests", trapped)
			} else {
				t.Logf("the trap received %d requests", trapped)
			}
		})
	}
}

func TestATrapIsShownAndFetchedWhenAnOperatorAsksForIt(t *testing.T) {
	t.Parallel()
	race.Skip(t) // the pages are fetched as in other tests
	kind := trapKinds["a calendar"]
	c := newCrawl(t, testsite.Serve(t, kind.trap), nil).seed(kind.start)
	c.finish()
	host := crawler.Host(c.site.Hosts()[0])
	status, err := c.frontier.Host(t.Context(), host)
	check(t, err)
	if len(status.Traps) != 1 || status.Traps[0].Pattern != "/calendar/N/N" ||
		!strings.Contains(queue.TrapReason(status.Traps[0]), "/calendar/N/N") {
		t.Fatalf("traps: got %+v", status.Traps)
	}
	before := len(c.site.Requests())
	check(t, c.frontier.Govern(t.Context(), host, ruled(crawler.HostRules{Ask: []string{"/calendar/N/N"},
		Pages: int64(before) + 500}), false))
	c.seed("/calendar/3000/1").finish()
	if n := len(c.site.Requests()) - before; n < 400 {
		t.Errorf("%d more pages were requested, want 500", n)
	}
}

func TestTrapDetectionCanBeDisabled(t *testing.T) {
	t.Parallel()
	race.Skip(t) // the pages are fetched as in other tests
	kind := trapKinds["a calendar"]
	c := newCrawl(t, testsite.Serve(t, kind.trap),
		func(j *crawler.Job) { j.Traps, j.PagesPerHost = false, 400 }).seed(kind.start)
	c.finish()
	if n := c.counters().Pages(); n != 400 {
		t.Errorf("%d pages were fetched, want 400", n)
	}
}

func TestEqualPagesAreAllFetchedIfOnePageLinksToThem(t *testing.T) {
	t.Parallel()
	race.Skip(t) // the pages are fetched as in other tests
	pages := web{}
	var all []string
	for i := range 400 {
		all = append(all, fmt.Sprintf("/item/%d", i))
		pages[all[i]] = "<!DOCTYPE html><title>item</title>"
	}
	pages["/"] = links(all...)
	c := newCrawl(t, testsite.Serve(t, pages), nil).seed("/")
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 401})
}

// skippedOf returns the number of skipped URLs by rule.
func skippedOf(c *crawl) map[queue.Rule]int64 {
	c.t.Helper()
	skipped := make(map[queue.Rule]int64)
	for rule, n := range c.counters().Skipped {
		skipped[queue.Rule(rule)] = n
	}
	return skipped
}

func TestSkippedURLsAreCountedByRuleAndListed(t *testing.T) {
	t.Parallel()
	deep := "/x" + strings.Repeat("/a", 5)
	site := testsite.Serve(t, web{
		"/": links("/in/a", "/in/b", "/out", "/in/no", deep, "/in/?"+strings.Repeat("a&", 40),
			"/in/"+strings.Repeat("x", 3000), "http://elsewhere.test/in/", "/in/private") +
			`<a rel=nofollow href=/in/unfollowed>x</a>`,
		"/in/a": links("/out", "/in/a", "http://elsewhere.test/in/", "http://elsewhere.test/in/2"),
		"/in/b": `<meta name=robots content=nofollow>` + links("/in/c", "/in/a"),
	})
	site.Robots("User-agent: *\nDisallow: /in/private\n")
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Include, j.Exclude, j.Format = []string{"/in/", "/x/"}, []string{"/no$"},
			[]string{"jsonl", fetched.FormatSkipped}
	}).root()
	c.finish()
	want := map[queue.Rule]int64{
		queue.RuleInclude: 1, queue.RuleExclude: 1, queue.RuleRepeats: 1, queue.RuleParams: 1, queue.RuleURLLength: 1,
		queue.RuleScope:  2,
		queue.RuleRobots: 1, queue.RuleNoFollow: 3,
	}
	if diff := cmp.Diff(want, skippedOf(c)); diff != "" {
		t.Errorf("skipped, by rule (-want +got):\n%s", diff)
	}
	listed := make(map[queue.Rule]int64)
	for _, s := range c.sink.skipped() {
		if listed[s.Rule]++; s.Reason == "" || s.URL == "" || s.Referrer == "" {
			t.Errorf("listed as %+v", s)
		}
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("listed, by rule (-want +got):\n%s", diff)
	}
}

func TestTrapPatternsAreCountedWithTheirURLs(t *testing.T) {
	t.Parallel()
	kind := trapKinds["a calendar"]
	c := newCrawl(t, testsite.Serve(t, kind.trap), nil).seed(kind.start)
	c.finish()
	n := c.counters()
	sum := int64(0)
	for _, m := range n.Traps {
		if sum += m.URLs; m.Host != crawler.Host(c.site.Hosts()[0]) || m.Pattern != "/calendar/N/N" {
			t.Errorf("trap: got %+v", m)
		}
	}
	if sum == 0 || sum != n.Skipped[string(queue.RuleTraps)] {
		t.Errorf("%d URLs of %+v look like traps, and %v are skipped", sum, n.Traps, n.Skipped)
	}
}

func TestTooDeepLinksAreCountedUnlessFoundOnAnotherPath(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/": links("/a", "/b"), "/a": links("/", "/b", "/deep"),
		"/b": links("/a", "/deep", "/deeper")})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Depth = 1 }).root()
	c.finish()
	if diff := cmp.Diff(map[queue.Rule]int64{queue.RuleDepth: 2}, skippedOf(c)); diff != "" {
		t.Errorf("skipped, by rule (-want +got):\n%s", diff)
	}
}

func TestURLsOverTheBudgetOfAHostAreListed(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(10)
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.PagesPerHost, j.Format = 3, []string{"jsonl", fetched.FormatSkipped}
	}).seed(paths...)
	c.finish()
	c.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 3, crawler.OutcomeSkipped: 7})
	if n, listed := skippedOf(c), c.sink.skipped(); n[queue.RulePagesPerHost] != 7 || len(listed) != 7 {
		t.Errorf("%v are skipped, and %d listed, want 7", n, len(listed))
	}
	if n := len(c.sink.records()); n != 3 {
		t.Errorf("%d URLs have a record, want 3", n)
	}
}

// series serves pages of one URL pattern, each with a link to the next.
type series struct {
	pages int
	body  func(i int) string
}

func (s series) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/leaf/"))
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, "<title>leaf</title>", s.body(i))
	if i < s.pages {
		fmt.Fprint(w, links(fmt.Sprintf("/leaf/%d", i+1)))
	}
}

func TestPagesThatDifferInNumbersOrPicturesAreAllFetched(t *testing.T) {
	t.Parallel()
	race.Skip(t) // the pages are fetched as in other tests
	const pages = 200
	text := strings.Repeat("The gauge is read at noon by whoever is on duty, and noted in the book. ", 10)
	for name, body := range map[string]func(i int) string{
		"lists of numbers": func(i int) string {
			return fmt.Sprintf("<ul><li>%d<li>%d kg</ul>", i*7919%1009, i*104729%997)
		},
		"a number in a long text": func(i int) string { return fmt.Sprintf("%s<b>%d.%d</b>", text, i*7919%1009, i%10) },
		"pictures": func(i int) string {
			return fmt.Sprintf("<p>Map<picture><source srcset=/m/%s.webp></picture>", hashText(fmt.Sprint(i)))
		},
		"pictures with a long text": func(i int) string {
			return text + fmt.Sprintf(`<img alt="" src="/m/%s.png">`, hashText(fmt.Sprint(i)))
		},
		"titles over equal bodies": func(i int) string { return text },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, series{pages, body})
			if name == "titles over equal bodies" {
				site = testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					title := strings.Map(func(c rune) rune { return 'g' + c%16 }, hashText(r.URL.Path))
					w.Header().Set("Content-Type", "text/html")
					fmt.Fprintf(w, "<title>%s</title>", title)
					series{pages, body}.ServeHTTP(w, r)
				}))
			}
			c := newCrawl(t, site, func(j *crawler.Job) { j.PerHost = 4 }).seed("/leaf/1")
			c.finish()
			if n := c.counters().Pages(); n != pages {
				t.Errorf("%d of %d pages were fetched; skipped: %v", n, pages, skippedOf(c))
			}
		})
	}
}
