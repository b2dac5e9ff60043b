package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// linkSite serves two hosts: one to check, and one that the first links to. The second refuses
// HEAD for one path, does not answer for another, and disallows a third. A third host is down.
type linkSite struct {
	*testsite.Site
	down string
}

func newLinkSite(t *testing.T) linkSite {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := linkSite{down: "http://" + l.Addr().String() + "/"}
	l.Close()
	s.Site = testsite.ServeLinked(t, 2, func(hosts []string) []http.Handler {
		far := "http://" + hosts[1]
		page := func(links ...string) string {
			text := "<!DOCTYPE html><title>page</title>"
			for i := 0; i < len(links); i += 2 {
				text += fmt.Sprintf("<a href=%q>%s</a>\n", links[i], links[i+1])
			}
			return text
		}
		return []http.Handler{htmlServer{
			"/": page("/two", "Two", "/lost", "Lost", far+"/fine", "Fine", far+"/gone", "Gone", far+"/old", "Old",
				s.down, "Down"),
			"/two": page("/lost", "Lost again", far+"/gone", "", far+"/nohead", "Shy", far+"/hangs", "Slow",
				far+"/secret", "Secret", far+"/via", "Via"),
		}, htmlServer{"/fine": page(far+"/never", "Never"), "/nohead": page(), "/new": page()}}
	})
	s.Robots("User-agent: *\nDisallow: /secret\n")
	far := s.Hosts()[1]
	s.Handle(far+"/nohead", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotImplemented)
		}
	}))
	s.Handle(far+"/old", http.RedirectHandler("/new", http.StatusMovedPermanently))
	s.Handle(far+"/via", http.RedirectHandler(s.URL(0, "/lost2"), http.StatusFound))
	s.Hang(far + "/hangs")
	return s
}

// htmlServer serves HTML by path, and 404 for other paths.
type htmlServer map[string]string

func (s htmlServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, ok := s[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, text)
}

// finding is a line of trawl check --json.
type finding struct {
	Kind  string `json:"kind"`
	URL   string `json:"url"`
	Class string `json:"error_class"`
	To    string `json:"to"`
	Pages []struct{ URL, Text string }
}

// findings parses the output of a check. The keys are kind and URL; the values are the error
// class, the target, and the pages with their link texts.
func findings(t *testing.T, site *testsite.Site, stdout string) map[string]string {
	t.Helper()
	short := strings.NewReplacer(site.URL(0, ""), "near", site.URL(1, ""), "far")
	all := make(map[string]string)
	for line := range strings.Lines(stdout) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("a line of the report is %q: %v", line, err)
		}
		text := f.Class
		if f.To != "" {
			text += " to " + short.Replace(f.To)
		}
		for _, p := range f.Pages {
			text += fmt.Sprintf("; %s %q", short.Replace(p.URL), p.Text)
		}
		all[f.Kind+" "+short.Replace(f.URL)] = text
	}
	return all
}

func TestBrokenLinksAreReportedWithEveryPageThatHasThem(t *testing.T) {
	t.Parallel()
	site, s := newLinkSite(t), newShell(t)
	s.withoutRedis()
	args := []string{
		"check", site.URL(0, "/"), "--delay", "0", "--allow-cidr", "127.0.0.0/8", "--retries", "0",
		"--robots-tries", "1", "--timeout", "3s", "--out", "check", "--json", "--warn-redirects",
	}
	end := s.run(args...).exits(failed, "5 links are broken, 1 could not be checked, 1 redirect permanently")
	want := map[string]string{
		"broken near/lost":       `http; near/ "Lost"; near/two "Lost again"`,
		"broken far/gone":        `http; near/ "Gone"; near/two ""`,
		"broken far/hangs":       `timeout; near/two "Slow"`,
		"broken far/via":         `http to near/lost2; near/two "Via"`,
		"broken " + site.down:    `connect; near/ "Down"`,
		"not_checked far/secret": `; near/two "Secret"`,
		"moved far/old":          ` to far/new; near/ "Old"`,
	}
	if diff := cmp.Diff(want, findings(t, site.Site, end.stdout)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	for path, n := range map[string]int{"/never": 0, "/secret": 0, "/fine": 1, "/nohead": 2} {
		if got := site.Count(path); got != n {
			t.Errorf("%s was requested %d times, want %d", path, got, n)
		}
	}

	// The report can be printed again as text, without the ignored URLs.
	end = s.run("check", "--from", "check", "--ignore", "/(gone|hangs|via)$", "--ignore", "^"+site.down).
		exits(failed, "1 link is broken")
	report := fmt.Sprintf("BROKEN\n%s  404 Not Found\n    on %s  \"Lost\"\n    on %s  \"Lost again\"\n\nNOT CHECKED\n",
		site.URL(0, "/lost"), site.URL(0, "/"), site.URL(0, "/two"))
	if !strings.HasPrefix(end.stdout, report) {
		t.Errorf("the report is\n%s\nwant it to begin with\n%s", end.stdout, report)
	}
}

func TestACheckOfWorkingLinksSucceedsAndIsRepeated(t *testing.T) {
	t.Parallel()
	site, s := testsite.Serve(t, htmlServer{"/": `<a href="/a">a</a>`, "/a": "fine"}), newShell(t)
	s.withoutRedis()
	for n := range 4 {
		end := s.run("check", site.URL(0, "/"), "--delay", "0", "--out", "check").
			exits(done, "no link is broken, of 2 URLs")
		if end.stdout != "" {
			t.Errorf("the report is %q, want none", end.stdout)
		}
		if got := site.Count("/a"); got != n+1 {
			t.Errorf("after %d checks, a page was requested %d times", n+1, got)
		}
		earlier, err := filepath.Glob(filepath.Join(s.path("check"), "earlier-*"))
		if err != nil || len(earlier) != min(n, 1) {
			t.Errorf("after %d checks, there are the results of %v (%v), want those of the last check before", n+1, earlier,
				err)
		}
	}
}

func TestAURLThatIsOnlyCheckedIsShownAsSuch(t *testing.T) {
	t.Parallel()
	site, s := newLinkSite(t), newShell(t)
	s.withoutRedis()
	s.run("crawl", site.URL(0, "/"), "--check", "links", "--allow-private", "--delay", "0", "--depth", "0", "--retries",
		"0", "--host-tries", "1", "--format", "jsonl,parquet", "--out", "out").exits(done)
	far := "http://" + site.Hosts()[1]
	for url, want := range map[string][]string{
		far + "/fine": {"only checked: it was requested, but not read", "links to it are only checked"},
		far + "/old":  {"only checked", "moved permanently to " + far + "/new"},
	} {
		end := s.run("explain", "out", url).exits(done)
		for _, text := range want {
			if !strings.Contains(end.stdout, text) {
				t.Errorf("for %s, trawl does not print %q, but:\n%s", url, text, end.stdout)
			}
		}
	}
	if end := s.run("explain", "out", site.URL(0, "/")).exits(done); strings.Contains(end.stdout, "checked") {
		t.Errorf("a page that was read is called checked:\n%s", end.stdout)
	}
}

// fragmentPages link to places of one another.
var fragmentPages = htmlServer{
	"/": `<h1 id="start">x</h1><a href="#start">a</a><a href="#end">To the end</a><a href="#top">b</a><a href="#">c</a>
			<a href="/two#part-1">d</a><a href="/two#part-2">Part 2</a><a href="/two#f%C3%BCnf">e</a>
			<a href="/two#!/route">f</a><a href="/two#:~:text=x">g</a><a href="/two#old">h</a><a href="/lost#x">i</a>`,
	"/two": `<base href="/deep/"><p id=part-1>x<p id="fünf">y<a name=old></a><a href="/#start">j</a><a href="/#nope">k</a>`,
}

func TestLinksToFragmentsThatPagesLackAreReported(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withoutRedis()
	site := linkSite{Site: testsite.ServeLinked(t, 2, func([]string) []http.Handler {
		return []http.Handler{fragmentPages, htmlServer{}}
	})}
	args := []string{"check", site.URL(0, "/"), "--delay", "0", "--out", "check", "--json"}
	s.run(args...).exits(failed, "1 link is broken")
	s.run("check", "--from", "check", "--fragments").exits(failed, "fragments were not checked")
	end := s.run(append(args, "--fragments")...).exits(failed, "4 links are broken")
	want := map[string]string{
		"broken near/lost":       `http; near/ "i"`,
		"broken near/#end":       `; near/ "To the end"`,
		"broken near/two#part-2": `; near/ "Part 2"`,
		"broken near/#nope":      `; near/two "k"`,
	}
	if diff := cmp.Diff(want, findings(t, site.Site, end.stdout)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	end = s.run("check", "--from", "check", "--fragments").exits(failed, "4 links are broken")
	if text := "/two#part-2  the page has no element with the id \"part-2\"\n"; !strings.Contains(end.stdout, text) {
		t.Errorf("the report lacks %q:\n%s", text, end.stdout)
	}
}

func TestAKilledCheckIsResumed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	pages := htmlServer{"/": "<!DOCTYPE html>"}
	for i := range 40 {
		pages["/"] += fmt.Sprintf(`<a href="/p%d">p</a>`, i)
		pages[fmt.Sprintf("/p%d", i)] = `<a href="/lost">lost</a>`
	}
	site := testsite.Serve(t, pages)
	reached, release := site.Hang("/p20")
	args := []string{"check", site.URL(0, "/"), "--delay", "0", "--out", "check", "--json"}
	p := s.start(args...)
	<-reached
	p.kill()
	release()
	end := s.run(args...).exits(failed, "going on with", "1 link is broken")
	if n := strings.Count(end.stdout, `{"url":`); n != 40 {
		t.Errorf("the broken link is on %d pages, want 40:\n%s", n, end.stdout)
	}
	if n := site.Count("/p5"); n > 2 {
		t.Errorf("a page was fetched %d times", n)
	}
}

func TestAnInvalidCheckIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for args, want := range map[string]string{
		"check":                                      "no seeds",
		"check http://127.0.0.1/ --ignore (":         `ignore: "(" is not a regular expression`,
		"check http://127.0.0.1/ --format warc":      "trawl check decides this setting itself: leave out --format",
		"check --from nowhere":                       "nowhere",
		"check http://127.0.0.1/ --from somewhere":   "nothing to do for",
		"crawl http://127.0.0.1/ --check everything": `check: "everything" is out of range`,
	} {
		s.run(strings.Fields(args)...).exits(usage, want)
	}
}
