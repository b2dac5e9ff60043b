package main_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// rawResponse sends a response byte for byte and closes the connection.
func rawResponse(answer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, answer)
	})
}

// rawResponses returns responses of all kinds by path. The root page of responseSite links to
// them.
func rawResponses() map[string]string {
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(zip, "<title>zipped</title>")
	_ = zip.Close()
	z := zipped.String()
	length := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
	same := strings.Repeat("the same ", 500)
	return map[string]string{
		"/plain": "HTTP/1.1 200 Fine by me\r\nx-ODD:  spelling \r\nContent-Type: Text/HTML; charset=utf-8\r\n" +
			length("<title>plain</title>"),
		"/chunked":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n",
		"/gzip":         "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n" + length(z),
		"/gzip/chunked": fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(z), z),
		"/hints":        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n" + length("after hints"),
		"/old":          "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
		"/bare":         "HTTP/1.1 200 OK\nContent-Length: 4\n\nbare",
		"/empty":        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"/latin":        "HTTP/1.1 200 caf\xe9\r\nX-Name: caf\xe9\r\n" + length("caf\xe9"),
		"/away":         "HTTP/1.1 302 Away\r\nLocation: /away/hop\r\n" + length("to the hop"),
		"/away/hop":     "HTTP/1.1 301 Further\r\nLocation: /away/end\r\n" + length("to the end"),
		"/away/end":     "HTTP/1.1 200 OK\r\n" + length("the end"),
		"/unchanged":    "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
		"/missing":      "HTTP/1.1 404 Not here\r\n" + length("missing"),
		"/denied":       "HTTP/1.1 403 No\r\n" + length("denied"),
		"/error":        "HTTP/1.1 500 Broken\r\n" + length("error"),
		"/same/1":       "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + length(same),
		"/same/2":       "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + length(same),
		"/same/3": fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
			len(same), same),
		"/broken":       "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nonly this",
		"/broken/chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nonly this",
		"/long":         "HTTP/1.1 200 OK\r\n" + length(strings.Repeat("long ", 40_000)),
		"/q?a=1&b=%20|": "HTTP/1.1 200 OK\r\n" + length("a query"),
		"/silent":       "",
		"/ssh":          "SSH-2.0-OpenSSH\r\n",
	}
}

// responseSite serves rawResponses. In addition, "/stall" sends a part of its body and hangs.
func responseSite(t *testing.T) *testsite.Site {
	t.Helper()
	var links strings.Builder
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<title>kinds</title>%s", links.String())
	}))
	all := rawResponses()
	for _, path := range slices.Sorted(maps.Keys(all)) {
		site.Handle(path, rawResponse(all[path]))
		if strings.HasPrefix(path, "/away/") {
			continue // only reached by a redirect
		}
		fmt.Fprintf(&links, "<a href=%q>%s</a>\n", path, path)
	}
	fmt.Fprint(&links, `<a href="/stall">stall</a>`)
	site.Handle("/stall", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "to be continued")
		w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	return site
}

func TestEveryKindOfResponseIsArchivedUnchanged(t *testing.T) {
	t.Parallel()
	site := responseSite(t)
	s, began := newShell(t), time.Now().UTC()
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--format", "jsonl,warc", "--retries", "0",
		"--body-limit", "100000", "--timeout", "4s", "--throttle", "0").exits(done)
	a := warctest.Open(t, s.path("site"))
	a.Check(t)
	warctest.Readers(t, "../..", a)
	uri := func(path string) string { return site.URL(0, path) }

	for _, r := range a.Records {
		if at, _ := time.Parse(time.RFC3339Nano, r.Get("WARC-Date")); at.Before(began.Truncate(time.Microsecond)) ||
			at.After(time.Now()) {
			t.Errorf("%s has the date %v", r, at)
		}
	}
	revisits := 0
	for path, answer := range rawResponses() {
		if path == "/silent" || path == "/ssh" {
			if found := append(a.Of("response", uri(path)), a.Of("request", uri(path))...); len(found) > 0 {
				t.Errorf("%s had no response, and is archived: %v", path, found)
			}
			continue
		}
		_, final, hinted := strings.Cut(answer, "</a>\r\n\r\n")
		if hinted {
			answer = final
		}
		if path == "/unchanged" { // no one asked whether it has changed, so it is asked for again
			for _, r := range append(a.Of("response", uri(path)), nil)[:2] {
				if r == nil || string(r.Block) != answer {
					t.Errorf("%s: got %v, want two responses", path, r)
				}
			}
			continue
		}
		want, cut := answer, ""
		if revisit := a.Of("revisit", uri(path)); len(revisit) == 1 {
			revisits++
			want = answer[:strings.Index(answer, "\r\n\r\n")+4]
			if got := string(revisit[0].Block); got != want {
				t.Errorf("%s: a revisit with %q, want %q", path, got, want)
			}
			continue
		}
		switch {
		case path == "/long":
			head := strings.Index(answer, "\r\n\r\n") + 4
			want, cut = answer[:head+100_000], "length"
		case strings.HasPrefix(path, "/broken"):
			cut = "disconnect"
		}
		r := a.One(t, "response", uri(path))
		if string(r.Block) != want || r.Get("WARC-Truncated") != cut {
			t.Errorf("%s: got %.300q, truncated %q; want %.300q, truncated %q", path, r.Block, r.Get("WARC-Truncated"),
				want, cut)
		}
	}
	if revisits != 3 { // of "the same" and of the gzip body
		t.Errorf("%d revisits, want 3", revisits)
	}
	if stall := a.One(t, "response", uri("/stall")); string(stall.HTTP.Body) != "to be continued" ||
		stall.Get("WARC-Truncated") != "time" {
		t.Errorf("the stalled response is %q, truncated %q", stall.Block, stall.Get("WARC-Truncated"))
	}
	if robots := a.One(t, "response", uri("/robots.txt")); !strings.HasPrefix(robots.HTTP.First, "HTTP/1.1 404") {
		t.Errorf("robots.txt is %q", robots.HTTP.First)
	}
	for path, want := range map[string]string{
		"/": "fetchTimeMs: ", "/robots.txt": "via: " + uri("/") + "\r\nhopsFromSeed: P\r\n",
		"/plain":    "via: " + uri("/") + "\r\nhopsFromSeed: L\r\n",
		"/away/end": "via: " + uri("/away/hop") + "\r\nhopsFromSeed: LRR\r\n",
	} {
		if got := string(a.One(t, "metadata", uri(path)).Block); !strings.HasPrefix(got, want) {
			t.Errorf("%s: the metadata are %q, want %q", path, got, want)
		}
	}
}

// The conformance data list rules, and each must have a check.
func TestEveryRuleOfWARCHasACheck(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "conformance", "warc", "rules.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	if err != nil {
		t.Fatal(err)
	}
	var rules struct{ Cases []struct{ ID, Rule string } }
	if err := json.Unmarshal(text, &rules); err != nil || len(rules.Cases) == 0 {
		t.Fatalf("%d rules: %v", len(rules.Cases), err)
	}
	for _, r := range rules.Cases {
		if warctest.Rules[r.ID] == nil {
			t.Errorf("%s has no check: %s", r.ID, r.Rule)
		}
	}
}

func TestAKilledCrawlLeavesACompleteArchive(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 300, "--format", "jsonl,warc")
	ct.withRedis()
	for _, requests := range []int{40, 120, 190} {
		ct.killAfter(requests)
		ct.waitForRedisExit()
	}
	ct.run(ct.args...).exits(done, "is done: nothing is left to fetch")
	a := warctest.Open(t, ct.path("site"))
	a.Check(t)
	warctest.Readers(t, "../..", a)
	captured := make(map[string]bool)
	for _, r := range a.Captures() {
		captured[r.Get("WARC-Target-URI")] = true
	}
	for url := range ct.graph.URLs(ct.site) {
		if !captured[url] {
			t.Errorf("%s is not archived", url)
		}
	}
	for _, r := range pages(t, ct.path("site")) {
		if !captured[r.URL] {
			t.Errorf("%s has a record, and is not archived", r.URL)
		}
	}
	if len(a.Files) < 2 {
		t.Errorf("%d files after three kills, want at least 2", len(a.Files))
	}
}

func TestConcurrentVisitsArchiveIntoOneFile(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 8, PagesPerHost: 12, LinksPerPage: 6, Seed: 7}
	site := g.Serve(t)
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--scope", "any", "--allow-private", "--out", "site", "--format",
		"warc").exits(done)
	a := warctest.Open(t, s.path("site"))
	a.Check(t)
	captured := make(counts)
	for _, r := range a.Captures() {
		if uri := r.Get("WARC-Target-URI"); !strings.HasSuffix(uri, "/robots.txt") {
			captured[uri]++
		}
	}
	captured.expectOnce(t, "captures", g.URLs(site))
	if len(a.Files) != 1 {
		t.Errorf("the files are %q, want one", a.Files)
	}
}
