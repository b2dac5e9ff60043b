package examples_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// sitePages serves the pages of a site by path.
type sitePages map[string]struct{ kind, body string }

func (s sitePages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, ok := s[r.RequestURI]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", page.kind)
	fmt.Fprint(w, page.body)
}

const html = "text/html; charset=utf-8"

// runProgram runs an example to its end in a folder of its own, and returns its output.
func runProgram(t *testing.T, dir, path string, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(testfleet.Patience(t), path, args...)
	cmd.Dir = dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(path), err, out.String(), said.String())
	}
	return out.String(), said.String()
}

func TestTheShopIsScrapedIntoADatabase(t *testing.T) {
	t.Parallel()
	const products = 40
	shop, want := sitePages{}, map[string]string{}
	var list strings.Builder
	for i := range products {
		path := fmt.Sprint("/product/", i)
		fmt.Fprintf(&list, "<a href=%q>%d</a> ", path, i)
		shop[path] = struct{ kind, body string }{html,
			fmt.Sprintf("<div class=product><h1> Teapot %d</h1><b class=price>%d.50</b></div>", i, i)}
	}
	shop["/"] = struct{ kind, body string }{html, list.String()}
	shop["/product/7"] = struct{ kind, body string }{html, "<div class=product><b class=price>1.00</b></div>"}
	site, dir := testsite.Serve(t, shop), t.TempDir()
	for i := range products {
		want[site.URL(0, fmt.Sprint("/product/", i))] = fmt.Sprintf("Teapot %d for %d.50", i, i)
	}
	delete(want, site.URL(0, "/product/7")) // a product without a name

	stdout, stderr := runProgram(t, dir, build(t, "shop"), "-delay", "0", site.URL(0, "/"))
	if want := "40 pages, 39 products in shop.db\n"; stdout != want {
		t.Errorf("the program says %q, want %q", stdout, want)
	}
	if !strings.Contains(stderr, "a product without a name") {
		t.Errorf("the program does not report the page that failed: %q", stderr)
	}
	if diff := cmp.Diff(want, rows(t, filepath.Join(dir, "shop.db"))); diff != "" {
		t.Errorf("products (-want +got):\n%s", diff)
	}
}

// rows reads the products from a database.
func rows(t *testing.T, path string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all, err := db.Query(`SELECT url, name || ' for ' || price FROM products`)
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	products := make(map[string]string)
	for all.Next() {
		var url, product string
		if err := all.Scan(&url, &product); err != nil {
			t.Fatal(err)
		}
		products[url] = product
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	return products
}

func TestFilesOfSomeKindsAreDownloaded(t *testing.T) {
	t.Parallel()
	library := sitePages{
		"/": {
			html, `<a href="/a/one.pdf">1</a> <a href="two.pdf?v=2">2</a> <a href="%2e%2e%2fthree">3</a> <a href="/text.txt">t</a><img src="/logo.png">`,
		},
		"/a/one.pdf":           {"application/pdf", "%PDF-1.7 one\x00\xff"},
		"/two.pdf?v=2":         {"application/pdf; charset=binary", "%PDF-1.7 two"},
		"/%2e%2e%2fthree":      {"application/pdf", "%PDF-1.7 three"},
		"/text.txt":            {"text/plain", "no file to save"},
		"/logo.png":            {"image/png", "\x89PNG\r\n\x1a\n"},
		"/never/linked-to.pdf": {"application/pdf", "%PDF"},
	}
	site, dir := testsite.Serve(t, library), t.TempDir()
	stdout, _ := runProgram(t, dir, build(t, "download"), "-delay", "0", "-types", "application/pdf,image/*",
		site.URL(0, "/"))
	if want := "6 URLs fetched; the files are in downloads\n"; stdout != want {
		t.Errorf("the program says %q, want %q", stdout, want)
	}
	host := strings.ReplaceAll(site.Hosts()[0], ":", "_")
	want := map[string]string{
		host + "/a/one.pdf":      library["/a/one.pdf"].body,
		host + "/two.pdf@v=2":    library["/two.pdf?v=2"].body,
		host + "/%2e%2e%2fthree": library["/%2e%2e%2fthree"].body,
		host + "/logo.png":       library["/logo.png"].body,
	}
	got := files(t, filepath.Join(dir, "downloads"))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// files reads all files below a folder except the crawl's own.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".crawl":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var counted = regexp.MustCompile(`(?m)^(\S+) has (\d+) words$`)

func TestAQueueIsWorkedOffByManyProcesses(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	path := build(t, "queue")
	out := testfleet.NewTranscript()
	one, two := c.start(path, out), c.start(path, out)
	c.waitForJob("inbox")
	enqueue := build(t, "enqueue")
	c.run(enqueue, "-redis", c.URL(), "-job", "inbox")
	want := make(map[string]bool)
	for _, at := range c.graph.Roots() {
		want[c.site.URL(at.Host, c.graph.Path(at.Page))] = true
	}
	c.waitForCounts(out, want)

	// The job keeps waiting for URLs, also when one of the processes is gone.
	if err := one.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = one.Wait()
	more := c.site.URL(0, "/page/3")
	want[more] = true
	bring := exec.CommandContext(testfleet.Patience(t), enqueue, "-redis", c.URL(), "-job", "inbox")
	bring.Stdin = strings.NewReader(more + "\n")
	if said, err := bring.CombinedOutput(); err != nil {
		t.Fatalf("enqueue one more: %v\n%s", err, said)
	}
	c.waitForCounts(out, want)
	if err := two.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := two.Wait(); err != nil {
		t.Errorf("the program ends with %v on SIGTERM\n%s", err, out.Text())
	}
}

// start starts a process of the example, which ends with the test.
func (c *exampleFleet) start(path string, out *testfleet.Transcript) *exec.Cmd {
	c.t.Helper()
	cmd := exec.Command(path, "-redis", c.URL(), "-out", c.dir, "-allow-private", "-delay", "0")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(sync.OnceFunc(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}))
	return cmd
}

// waitForCounts waits until the words of exactly these pages were counted, each once.
func (c *exampleFleet) waitForCounts(out *testfleet.Transcript, want map[string]bool) {
	c.t.Helper()
	got := make(testfleet.Count)
	for len(got) < len(want) {
		changed := out.Changes()
		clear(got)
		for _, m := range counted.FindAllStringSubmatch(out.Text(), -1) {
			got[m[1]]++
		}
		if len(got) >= len(want) {
			break
		}
		select {
		case <-changed:
		case <-testfleet.Patience(c.t).Done():
			c.t.Fatalf("pages %v were counted, want %v; the programs print\n%s", slices.Sorted(maps.Keys(got)),
				slices.Sorted(maps.Keys(want)), out.Text())
		}
	}
	got.Expect(c.t, "pages whose words were counted", want)
	if got.Again() > 0 {
		c.t.Errorf("%d pages were counted twice", got.Again())
	}
}

// waitForJob waits until a job exists.
func (c *exampleFleet) waitForJob(job string) {
	c.t.Helper()
	soon, tick := testfleet.Soon(c.t), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		_, err := c.Client.Status(soon, job)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-soon.Done():
			c.t.Fatal(err)
		}
	}
}

func TestBrokenLinksAreReportedWithTheirPages(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, sitePages{"/": {html, `<a href="/ok">1</a><a href="/gone">2</a>`}, "/ok": {html, "x"}})
	cmd := exec.CommandContext(testfleet.Patience(t), build(t, "checklinks"), "-delay", "0", site.URL(0, "/"))
	out, err := cmd.Output()
	var failed *exec.ExitError
	if !errors.As(err, &failed) || failed.ExitCode() != 1 {
		t.Errorf("the program ends with %v, want status 1", err)
	}
	want := site.URL(0, "/gone") + "\thttp\tthe server answered 404 Not Found\ton " + site.URL(0, "/") +
		"\n2 pages, 1 broken\n"
	if string(out) != want {
		t.Errorf("the program says %q, want %q", out, want)
	}
}

func TestAServiceCrawlsForOthers(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, sitePages{"/": {html, `<title>Home</title><a href="/one">1</a>`},
		"/one": {html, "<title>One</title>"}})
	said := testfleet.NewTranscript()
	cmd := exec.Command(build(t, "service"), "-listen", "127.0.0.1:0", "-out", t.TempDir(), "-delay", "0")
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	address := regexp.MustCompile(`listening on (\S+)`)
	for address.FindString(said.Text()) == "" {
		changed := said.Changes()
		if address.FindString(said.Text()) != "" {
			break
		}
		select {
		case <-changed:
		case <-testfleet.Patience(t).Done():
			t.Fatal(said.Text())
		}
	}
	at := "http://" + address.FindStringSubmatch(said.Text())[1] + "/crawls/news"
	call := func(method, url string, status int) string {
		t.Helper()
		request, err := http.NewRequestWithContext(testfleet.Patience(t), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status {
			t.Fatalf("%s %s: %s (%v): %s", method, url, answer.Status, err, text)
		}
		return string(text)
	}
	call("POST", at+"?url="+site.URL(0, "/"), http.StatusCreated)
	call("POST", at+"?url="+site.URL(0, "/"), http.StatusConflict)
	if events := call("GET", at+"/events", http.StatusOK); !strings.Contains(events, `"State":"done"`) {
		t.Errorf("the events are %s", events)
	}
	if records := call("GET", at, http.StatusOK); !strings.Contains(records, site.URL(0, "/one")+" fetched One\n") {
		t.Errorf("the records are %s", records)
	}
	call("GET", at+"-nosuch", http.StatusNotFound)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the service ends with %v\n%s", err, said.Text())
	}
}
