package main_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// fileServer serves bodies by request URI, and redirects from "/old" to "/new".
type fileServer map[string]string

func (s fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := s[r.RequestURI]
	switch {
	case r.RequestURI == "/old":
		http.Redirect(w, r, "/new", http.StatusFound)
	case !ok:
		http.NotFound(w, r)
	default:
		if strings.HasSuffix(r.URL.Path, "/") {
			w.Header().Set("Content-Type", "text/html")
		}
		_, _ = io.WriteString(w, body)
	}
}

// randomBody returns n random bytes, which are neither text nor compressible.
func randomBody(n int, seed uint64) string {
	bytes := make([]byte, n)
	dice := rand.New(rand.NewPCG(seed, 0))
	for i := range bytes {
		bytes[i] = byte(dice.Uint32())
	}
	return string(bytes)
}

// files returns the contents of all files in a folder, by their paths in it.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFilesAreDownloadedByteForByteUnderSafeNames(t *testing.T) {
	t.Parallel()
	served := fileServer{
		"/":                       "<!DOCTYPE html><p>gr\xfc\xdfe", // not UTF-8
		"/pub/release.tar.gz":     "\x1f\x8b" + randomBody(3<<20, 1),
		"/pub/":                   "<a href=release.tar.gz>",
		"/pub":                    "a file where a folder must be",
		"/get?file=../../passwd":  "a name that climbs",
		"/..%2f..%2f..%2fpasswd":  "a name that climbs, encoded",
		"/%2e%2e%2f.trawl%2flock": "a name that hits our own",
		"/.pages.lock":            "a name that hits our own, too",
		"/CON.txt":                "a device",
		"/" + strings.Repeat("long", 300) + ".txt": "a long name",
		"/%ff%fe": randomBody(1000, 2),
		"/empty":  "",
		"/new":    "where the redirect leads",
	}
	site := testsite.Serve(t, served)
	s := newShell(t)
	s.withRedis()
	list := site.URL(0, "/old") + "\n" + site.URL(0, "/missing.zip") + "\n"
	for uri := range served {
		if uri != "/new" {
			list += site.URL(0, uri) + "\n"
		}
	}
	s.write("urls.txt", list)
	s.run("fetch", "urls.txt", "--allow-private", "--out", "downloads", "--format", "files", "--delay", "0",
		"--per-host", "4").exits(done)

	manifest := readRecords(t, s.path("downloads"), "manifest-*.jsonl")
	if len(manifest) != len(served)+1 {
		t.Errorf("the manifest has %d records, want %d", len(manifest), len(served)+1)
	}
	taken := make(map[string]string)
	for _, r := range manifest {
		if r.URL == site.URL(0, "/missing.zip") {
			if r.Outcome != "gone" || r.Status != http.StatusNotFound || r.Path != "" {
				t.Errorf("the missing file is %+v, want it gone and without a path", r)
			}
			continue
		}
		served.checkFile(t, s.path("downloads"), r, strings.TrimPrefix(r.FinalURL, site.URL(0, "")))
		if other := taken[strings.ToLower(r.Path)]; other != "" {
			t.Errorf("%s and %s share the file %q", r.URL, other, r.Path)
		}
		taken[strings.ToLower(r.Path)] = r.URL
	}
	for name := range files(t, s.dir) {
		if !strings.HasPrefix(name, "downloads/") && name != "urls.txt" {
			t.Errorf("there is a file %q outside of the folder", name)
		}
	}
}

// checkFile compares a downloaded file with the body at a URI.
func (s fileServer) checkFile(t *testing.T, dir string, r record, uri string) {
	t.Helper()
	want, ok := s[uri]
	if !ok || r.Outcome != "fetched" {
		t.Errorf("unexpected record of %q, %s: %s", uri, r.Outcome, r.Error)
		return
	}
	if !filepath.IsLocal(r.Path) || strings.HasPrefix(r.Path, ".") {
		t.Errorf("%s is kept as %q, outside of the folder or hidden in it", r.URL, r.Path)
		return
	}
	got, err := os.ReadFile(filepath.Join(dir, r.Path))
	if err != nil || string(got) != want {
		t.Errorf("%s has %d bytes, want the %d of %q (%v)", r.Path, len(got), len(want), uri, err)
	}
	if digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(want))); r.Digest != digest ||
		r.Bytes != int64(len(want)) {
		t.Errorf("%s is recorded as %s of %d bytes, want %s of %d", uri, r.Digest, r.Bytes, digest, len(want))
	}
}

func TestAListFromAPipeYieldsALinePerURL(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, fileServer{
		"/a":     "<title>First &amp; foremost</title><p class=x>1<p class=x>2",
		"/b":     "<title>Second</title><a href=/a>",
		"/new":   "<title>Moved</title>",
		"/plain": "no title here",
	})
	s := newShell(t)
	s.write("list.txt", "\ufeff"+site.URL(0, "/a")+"\r\n\n# a comment\n  "+site.URL(0, "/b")+"  \n"+
		site.URL(0, "/a")+"\nexample.com\n"+site.URL(0, "/old")+"\n"+site.URL(0, "/gone")+"\n"+site.URL(0, "/plain"))
	list, err := os.Open(s.path("list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	s.stdin = list
	end := s.run("fetch", "-", "--allow-private", "--select", "title=title", "--select", "x[]=.x", "--delay", "0").
		exits(done, "standard input, line 6", `"example.com"`)

	got := make(map[string]string)
	for _, r := range parseRecords(t, "standard output", end.stdout) {
		uri := strings.TrimPrefix(r.URL, site.URL(0, ""))
		if got[uri] != "" {
			t.Errorf("%s has two lines", uri)
		}
		got[uri] = fmt.Sprintf("%s %s %v", r.Outcome, strings.TrimPrefix(r.FinalURL, site.URL(0, "")), r.Fields)
	}
	want := map[string]string{
		"/a":     "fetched /a map[title:First & foremost x:[1 2]]",
		"/b":     "fetched /b map[title:Second x:[]]",
		"/old":   "fetched /new map[title:Moved x:[]]",
		"/gone":  "gone /gone map[]",
		"/plain": "fetched /plain map[]",
	}
	for uri := range want {
		if got[uri] != want[uri] {
			t.Errorf("%s is %q, want %q", uri, got[uri], want[uri])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d URLs, want %d: no links are followed", len(got), len(want))
	}
	if left, _ := os.ReadDir(s.dir); len(left) > 1 {
		t.Errorf("a fetch to standard output leaves %v in the working folder", left)
	}
}

// fetchFromPipe starts a fetch of a list that the test writes to a pipe.
func (s *shell) fetchFromPipe(args ...string) (*process, *os.File) {
	s.t.Helper()
	list, pipe, err := os.Pipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.stdin = list
	p := s.start(append([]string{"fetch", "-", "--allow-private"}, args...)...)
	list.Close()
	s.t.Cleanup(func() { pipe.Close() })
	return p, pipe
}

func TestFetchStartsBeforeALongListEnds(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	g := testsite.Graph{Hosts: 20, PagesPerHost: 250, LinksPerPage: 4}
	site := g.Serve(t)
	s := newShell(t)
	p, pipe := s.fetchFromPipe("--delay", "0", "--per-host", "2")
	for page := range g.PagesPerHost {
		for host := range g.Hosts {
			if _, err := fmt.Fprintln(pipe, site.URL(host, g.Path(page))); err != nil {
				t.Fatal(err)
			}
		}
		if page == 0 { // the first URLs: the others follow after the first request
			waitForSite(t, site, func(l *testsite.Log) bool { return len(l.Requests()) > 0 })
		}
	}
	pipe.Close()
	end := p.wait().exits(done)
	fetched(parseRecords(t, "standard output", end.stdout)).expectOnce(t, "lines", g.URLs(site))
	requestCounts(site).expectOnce(t, "requests", g.URLs(site))
	logTimes(t, site, end, g.Hosts*g.PagesPerHost)
}

func TestAnInterruptDoesNotWaitForTheEndOfTheList(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	p, pipe := newShell(t).fetchFromPipe("--delay", "0")
	fmt.Fprintln(pipe, site.URL(0, "/"))
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/") > 0 })
	p.signal(os.Interrupt)
	end := p.waitSoon().exits(interrupted)
	if n := len(parseRecords(t, "standard output", end.stdout)); n != 1 {
		t.Errorf("there are %d lines, want 1", n)
	}
}

func TestABudgetDoesNotWaitForTheEndOfTheList(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	p, pipe := newShell(t).fetchFromPipe("--delay", "0", "--pages", "2")
	fmt.Fprintln(pipe, site.URL(0, "/"))
	fmt.Fprintln(pipe, site.URL(0, "/page/1"))
	p.waitSoon().exits(done, "budget of pages")
}

func TestAFetchEndsWhenItsOutputIsClosed(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 500, LinksPerPage: 4}
	site := g.Serve(t)
	s := newShell(t)
	list := ""
	for url := range g.URLs(site) {
		list += url + "\n"
	}
	s.write("list.txt", list)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdout = in
	p := s.start("fetch", "list.txt", "--allow-private", "--delay", "0")
	in.Close()
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	p.wait().exits(failed, "output")
	if n := len(site.Requests()); n >= g.PagesPerHost {
		t.Errorf("%d pages were fetched although the reader was gone", n)
	}
}
