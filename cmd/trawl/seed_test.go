package main_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// seedFleet runs commands against a shared Redis that has a job.
type seedFleet struct {
	*shell
	redis, job string
}

// newSeedFleet creates a job with these settings. By default it has no delay and no retries.
func newSeedFleet(t *testing.T, settings string) *seedFleet {
	t.Helper()
	return newSeedFleetOn(t, redistest.New(t), settings)
}

func newSeedFleetOn(t *testing.T, redis, settings string) *seedFleet {
	t.Helper()
	f := &seedFleet{newShell(t), redis, redistest.Name(t)}
	for _, usual := range []string{"delay: 0s", "retries: 0"} {
		if name, _, _ := strings.Cut(usual, ":"); !strings.Contains(settings, name+":") {
			settings += usual + "\n"
		}
	}
	f.write("job.yaml", "name: "+f.job+"\n"+settings)
	f.run("job", "create", "job.yaml", "--redis", f.redis).exits(done)
	return f
}

// seed runs trawl seed.
func (f *seedFleet) seed(args ...string) commandResult {
	f.t.Helper()
	return f.run(append([]string{"seed", f.job, "--redis", f.redis}, args...)...)
}

// sitemapSeedOutput is the output of trawl seed --json, with sitemaps.
type sitemapSeedOutput struct {
	Admitted, Seen, Refused int
	Refusals                []struct{ URL, Reason string }
	Sitemaps                int
	Faults                  []struct{ Sitemap, Reason string }
}

// seedJSON runs trawl seed --json and decodes its output.
func (f *seedFleet) seedJSON(status int, args ...string) (s sitemapSeedOutput) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.seed(append(args, "--json")...).exits(status).stdout), &s); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// bodyServer serves bodies by path, without a content type of its own.
type bodyServer map[string]string

func (b bodyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := b[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write([]byte(body))
}

func urlset(locations ...string) string {
	return "<urlset><url><loc>" + strings.Join(locations, "</loc></url><url><loc>") + "</loc></url></urlset>"
}

func sitemapIndex(locations ...string) string {
	return "<sitemapindex><sitemap><loc>" + strings.Join(locations, "</loc></sitemap><sitemap><loc>") +
		"</loc></sitemap></sitemapindex>"
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestURLsOfSitemapsBecomeSeeds(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{
		"/index":    sitemapIndex("/1.xml", "/gone.xml", "/2.xml.gz", "/cut.xml", "/index"),
		"/1.xml":    urlset("/a", "/b", "/skip/c", "http://elsewhere.invalid/", "no url"),
		"/2.xml.gz": gzipped(t, urlset("/b", "/c")),
		"/cut.xml":  strings.TrimSuffix(urlset("/d"), "</urlset>"),
	})
	f := newSeedFleet(t, "exclude: [/skip/]\n")
	want := sitemapSeedOutput{Admitted: 4, Seen: 1, Refused: 3, Sitemaps: 4}
	for _, refused := range [][2]string{
		{site.URL(0, "/skip/c"), "excluded"},
		{"http://elsewhere.invalid/", "outside of scope host"},
		{"no url", `"no url" is not a URL: it has no scheme (begin with http:// or https://)`},
	} {
		want.Refusals = append(want.Refusals, struct{ URL, Reason string }{refused[0], refused[1]})
	}
	for _, fault := range [][2]string{
		{site.URL(0, "/gone.xml"), "the server answered 404"},
		{site.URL(0, "/cut.xml"), "it ends before </urlset>"},
	} {
		want.Faults = append(want.Faults, struct{ Sitemap, Reason string }{fault[0], fault[1]})
	}
	if diff := cmp.Diff(want, f.seedJSON(failed, "--sitemap", site.URL(0, "/index"))); diff != "" {
		t.Errorf("the first time (-want +got):\n%s", diff)
	}
	want.Admitted, want.Seen = 0, 5
	if diff := cmp.Diff(want, f.seedJSON(failed, "--sitemap", site.URL(0, "/index"))); diff != "" {
		t.Errorf("the second time (-want +got):\n%s", diff)
	}
	if n := site.Count("/robots.txt"); n != 0 {
		t.Errorf("robots.txt was requested %d times, though the operator named the sitemap", n)
	}
}

func TestPagesOfASitemapAreCrawled(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 12, LinksPerPage: 1}
	site := g.Serve(t)
	var locations []string
	for page := range g.PagesPerHost {
		locations = append(locations, site.URL(0, g.Path(page)))
	}
	site.Handle("/sitemap.xml", bodyServer{"/sitemap.xml": urlset(locations...)})
	f := newSeedFleet(t, "")
	f.seed(site.URL(0, "/sitemap.xml")).exits(done, "12 new", "of 1 sitemaps, 0 with faults")
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out", "--allow-private")
	f.start("job", "watch", f.job, "--redis", f.redis).waitSoon().exits(done)
	if got := readRecords(t, f.path("out/"+f.job), "pages-*.jsonl"); len(got) != g.PagesPerHost {
		t.Errorf("%d records are kept, want %d", len(got), g.PagesPerHost)
	}
	for _, u := range locations {
		if n := site.Count(strings.TrimPrefix(u, site.URL(0, ""))); n != 1 {
			t.Errorf("%s was requested %d times, want 1", u, n)
		}
	}
}

func TestSitemapsAndListsTogether(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{"/news-sitemap.xml.gz": gzipped(t, urlset("/a", "/b")),
		"/feed": "<rss><item><link>/c</link></item></rss>"})
	f := newSeedFleet(t, "")
	f.write("list.txt", "http://list.invalid/1\nhttp://list.invalid/2\nno url\n")
	f.write("sitemap.xml", urlset("http://one.invalid/", "http://two.invalid/"))
	got := f.seedJSON(done, "list.txt", "sitemap.xml", site.URL(0, "/page"), site.URL(0, "/news-sitemap.xml.gz?x=y"),
		"--sitemap", site.URL(0, "/feed"))
	if got.Admitted != 8 || got.Refused != 1 || got.Sitemaps != 3 {
		t.Errorf("the output is %+v, want 8 new, 1 refused and 3 sitemaps", got)
	}
}

func TestAnUnreadableSitemapIsReported(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{
		"/html": "<!doctype html><html><title>Welcome</title></html>", "/empty": urlset(),
	})
	// In the Redis that tests share, the scheduler of another test would end the job: it has no page.
	f := newSeedFleetOn(t, redistest.Own(t).URL(), "")
	f.seed("--sitemap", site.URL(0, "/html")).exits(nothing, site.URL(0, "/html"),
		"it is not a sitemap: its root element is <html>")
	f.seed("--sitemap", site.URL(0, "/404")).exits(nothing, site.URL(0, "/404"), "404")
	f.seed("--sitemap", site.URL(0, "/empty")).exits(usage, "none of the seeds")
	f.seed("--sitemap", "nosuch.xml").exits(usage, `"nosuch.xml"`, "URL")
	f.seed("--sitemap", "ftp://127.0.0.1/").exits(usage, `"ftp://127.0.0.1/"`)
	f.seed().exits(usage, "no seeds", "sitemaps")
	f.run("seed", f.job+"-2", "--redis", f.redis, "--sitemap", site.URL(0, "/empty")).exits(usage, f.job+"-2")
}

func TestAFailedSitemapIsRetriedAndAPartialOneIsKept(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{"/sitemap.xml": urlset("/a")})
	site.Fail("/sitemap.xml", 503, 429)
	site.Handle("/short.xml", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(urlset("/b")[:len("<urlset><url><loc>/b</loc></url>")]))
	}))
	f := newSeedFleet(t, "retries: 2\nretry_pause: 1ms\n")
	if got := f.seedJSON(done, site.URL(0, "/sitemap.xml")); got.Admitted != 1 || site.Count("/sitemap.xml") != 3 {
		t.Errorf("the output is %+v after %d requests, want 1 page after 3", got, site.Count("/sitemap.xml"))
	}
	got := f.seedJSON(failed, "--sitemap", site.URL(0, "/short.xml"))
	if got.Admitted != 1 || len(got.Faults) != 1 || !strings.Contains(got.Faults[0].Reason, "the connection broke") {
		t.Errorf("the output is %+v, want 1 page and a connection that broke", got)
	}
}

// A sitemap URL allows its own address and no other.
func TestASitemapLeadsToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	listener := newCountingListener(t, "127.0.0.2:0")
	site := testsite.Serve(t, bodyServer{})
	list := sitemapIndex("http://"+listener.addr+"/1.xml", "/away.xml", "/3.xml")
	site.Handle("/sitemap.xml", bodyServer{"/sitemap.xml": list})
	site.Handle("/away.xml", http.RedirectHandler("http://"+listener.addr+"/2.xml", http.StatusFound))
	site.Handle("/3.xml", bodyServer{"/3.xml": urlset("/a")})
	f := newSeedFleet(t, "")
	got := f.seedJSON(failed, site.URL(0, "/sitemap.xml"))
	if got.Admitted != 1 || len(got.Faults) != 2 || listener.connections.Load() > 0 {
		t.Errorf("the output is %+v, with %d connections to private addresses of the sitemap", got,
			listener.connections.Load())
	}
	for _, fault := range got.Faults {
		if !strings.Contains(fault.Reason, "loopback") || !strings.Contains(fault.Reason, "--allow-private") {
			t.Errorf("the fault is %q", fault.Reason)
		}
	}
	f.seedJSON(failed, site.URL(0, "/sitemap.xml"), "--allow-cidr", "127.0.0.0/8")
	if listener.connections.Load() == 0 {
		t.Error("--allow-cidr has no effect")
	}
}

func TestSitemapsAreFetchedAtTheJobsDelay(t *testing.T) {
	t.Parallel()
	const delay = 200 * time.Millisecond
	site := testsite.Serve(t, bodyServer{
		"/sitemap.xml": sitemapIndex("/1", "/2"), "/1": urlset("/a"), "/2": urlset("/b"),
	})
	f := newSeedFleet(t, fmt.Sprintf("delay: %s\nuser_agent: Mapper/1.0\n", delay))
	stalls := testsite.WatchStalls(t)
	f.seed(site.URL(0, "/sitemap.xml")).exits(done)
	stalled := stalls() // a stalled site records a request late
	if gap := site.SmallestGap(site.Hosts()[0]); gap < delay-20*time.Millisecond-2*stalled {
		t.Errorf("two requests are %s apart, want %s, less twice the stall of %s", gap, delay,
			stalled)
	}
}

func TestSeedingFromASitemapCanBeInterrupted(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{"/sitemap.xml": urlset("/a")})
	reached, _ := site.Hang("/sitemap.xml")
	f := newSeedFleet(t, "")
	p := f.start("seed", f.job, "--redis", f.redis, site.URL(0, "/sitemap.xml"))
	<-reached
	p.signal(os.Interrupt)
	p.waitSoon().exits(interrupted)
}

func TestALargeSitemapIsSeededUpToTheLimit(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	var locations []string
	for i := range 50_001 {
		locations = append(locations, fmt.Sprintf("/page/%d", i))
	}
	site := testsite.Serve(t, bodyServer{"/sitemap.xml": gzipped(t, urlset(slices.Clone(locations)...))})
	f := newSeedFleet(t, "")
	got := f.seedJSON(failed, site.URL(0, "/sitemap.xml"))
	if got.Admitted != 50_000 || len(got.Faults) != 1 ||
		!strings.Contains(got.Faults[0].Reason, "more than 50000 URLs") {
		t.Errorf("the output is %+v, want 50,000 pages and a limit", got)
	}
}

func TestACrawlReadsSitemapsOnlyWithTheFlag(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{
		"/": "<!doctype html><title>root</title>", "/maps.xml": sitemapIndex("/1.xml.gz"),
		"/1.xml.gz": gzipped(t, urlset("/a")), "/a": "<!doctype html><a href=/b>",
	})
	site.Robots("Sitemap: /maps.xml\n")
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--depth", "0", "--out", "without").exits(done)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--depth", "0", "--sitemaps", "--out", "with").exits(done)
	for dir, want := range map[string][]string{"without": {"/"}, "with": {"/", "/1.xml.gz", "/a", "/maps.xml"}} {
		var got []string
		for _, r := range pages(t, s.path(dir)) {
			got = append(got, strings.TrimPrefix(r.URL, strings.TrimSuffix(site.URL(0, "/"), "/")))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s sitemaps these pages are kept: %q, want %q", dir, got, want)
		}
	}
}
