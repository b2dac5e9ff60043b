package main_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/internal/tabular"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

const english = "The text of this page is in English, and it has more than ten of the words that are in all texts."

// languages is a site with pages in two languages, codings and charsets, a redirect, a copy, an
// error and a robots.txt.
func languages(t *testing.T) *testsite.Site {
	t.Helper()
	pages := map[string]string{
		"/": `<html lang=en><head><title>Start &amp; more</title><link rel=stylesheet href=/style.css>
			<meta name=description content="all of it"></head><body><nav><a href=/deutsch>Deutsch</a></nav>
			<main><h1>Start</h1><p>` + english + `</main><a href="/packed?b=1&amp;a=2" rel=next>next <b>page</b></a>
			<a href=/moved>moved</a> <a href=/again>again</a> <a href=/missing>missing</a> <a href=/plain.txt>plain</a>
			<img src=/i.png alt=picture><script src=/s.js></script>`,
		"/deutsch": "<title>Gr\xfc\xdfe</title><p>Der Text dieser Seite ist auf Deutsch, und er hat mehr als zehn " +
			"W\xf6rter, die in den meisten Texten vorkommen und f\xfcr die Sprache nicht ohne Bedeutung sind.",
		"/packed":    "<title>Packed</title><p>" + english,
		"/plain.txt": english,
	}
	pages["/again"] = pages["/deutsch"]
	return testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/robots.txt":
			fmt.Fprint(w, "User-agent: *\nDisallow: /private\n")
		case "/moved":
			http.Redirect(w, r, "/deutsch", http.StatusFound)
		case "/deutsch", "/again":
			w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
			fmt.Fprint(w, pages[r.URL.Path])
		case "/packed":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			fmt.Fprint(zip, pages[r.URL.Path])
			zip.Flush()
			if err := http.NewResponseController(w).Flush(); err != nil { // so that it comes in chunks
				t.Error(err)
			}
			zip.Close()
		case "/", "/plain.txt":
			w.Header().Add("X-Twice", "1")
			w.Header().Add("X-Twice", "2")
			fmt.Fprint(w, pages[r.URL.Path])
		default:
			http.NotFound(w, r)
		}
	}))
}

// archivedLanguages crawls the site, and returns what an independent reader finds in its WARC
// file.
func archivedLanguages(t *testing.T, s *shell) (*testsite.Site, *warctest.Archive) {
	t.Helper()
	site := languages(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--job", "cc-main", "--format", "jsonl,warc",
		"--per-host", "1").exits(done)
	return site, warctest.Open(t, s.path("site"))
}

// derived exports a form into a folder of its own, and returns the archive in it.
func derived(t *testing.T, s *shell, form string, more ...string) *warctest.Archive {
	t.Helper()
	dir := form + strconv.Itoa(len(more))
	if err := os.Mkdir(s.path(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	s.run(append([]string{"export", "site", "--to", dir + "/site.warc." + form + ".gz"}, more...)...).exits(done)
	a := warctest.Open(t, s.path(dir))
	warctest.Checked(t, "../..", a)
	checkDerivedIndex(t, a)
	return a
}

// checkDerivedIndex checks that each derived record can be read by the line of the index.
func checkDerivedIndex(t *testing.T, a *warctest.Archive) {
	t.Helper()
	places := make(map[string]*warctest.Record)
	for _, r := range a.Records[1:] {
		places[fmt.Sprint(r.Offset, " ", r.Length)] = r
		if warctest.Digest(r.Block) != r.Get("WARC-Block-Digest") {
			t.Errorf("%s: the digest of the block is not %s", r, r.Get("WARC-Block-Digest"))
		}
	}
	index, err := os.ReadFile(filepath.Join(a.Dir, strings.TrimSuffix(a.Files[0], ".gz")+".cdxj"))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(index)))
	if len(lines) != len(places) || !slices.IsSorted(lines) {
		t.Errorf("an index of %d records has %d lines, sorted or not:\n%s", len(places), len(lines), index)
	}
	for _, line := range lines {
		var e struct{ URL, Offset, Length, Digest string }
		_, fields, _ := strings.Cut(line, " {")
		if err := json.Unmarshal([]byte("{"+fields), &e); err != nil {
			t.Fatal(err)
		}
		r := places[e.Offset+" "+e.Length]
		if r == nil || r.Get("WARC-Target-URI") != e.URL || r.Get("WARC-Block-Digest") != e.Digest {
			t.Errorf("no record is at the place of the line %s", line)
		}
	}
}

func TestTheTextsOfACrawlAreExportedAsWET(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site, archive := archivedLanguages(t, s)
	wet := derived(t, s, "wet")
	german := "Grüße\nDer Text dieser Seite ist auf Deutsch, und er hat mehr als zehn Wörter, die in den meisten " +
		"Texten vorkommen und für die Sprache nicht ohne Bedeutung sind.\n"
	for path, want := range map[string][2]string{
		"/":        {"eng", "Start & more\nDeutsch\nStart\n" + english + "\nnext page moved again missing plain\n"},
		"/deutsch": {"deu", german}, "/again": {"deu", german},
		"/packed?b=1&a=2": {"eng", "Packed\n" + english + "\n"},
	} {
		r := wet.One(t, "conversion", site.URL(0, path))
		if string(r.Block) != want[1] {
			t.Errorf("%s has the text\n%s", r, cmp.Diff(want[1], string(r.Block)))
		}
		of := archive.ByID(r.Get("WARC-Refers-To"))
		if of == nil || of.Get("WARC-Target-URI") != site.URL(0, path) || of.Get("WARC-Date") != r.Get("WARC-Date") {
			t.Errorf("%s refers to %v", r, of)
		}
		if r.Get("Content-Type") != "text/plain" || r.Get("WARC-Identified-Content-Language") != want[0] {
			t.Errorf("the header of %s is\n%s", r, r.Head)
		}
	}
	if n := len(wet.Of("conversion")); n != 4 {
		t.Errorf("%d pages have a text, want 4", n)
	}
	if info := string(wet.Of("warcinfo")[0].Block); !strings.Contains(info, "isPartOf: cc-main\r\n") {
		t.Errorf("the warcinfo is\n%s", info)
	}
	main := derived(t, s, "wet", "--main-text", "--where", "url="+site.URL(0, "/"))
	if r := main.One(t, "conversion", site.URL(0, "/")); !strings.Contains(string(r.Block), english) ||
		strings.Contains(string(r.Block), "Deutsch") {
		t.Errorf("the main text is %q", r.Block)
	}
	s.run("export", "site", "--as", "wat", "--main-text").exits(usage, "the main text is for wet")
	s.run("export", "site", "--as", "wet", "--to", "pages.gz").exits(failed, `"pages.gz"`, ".warc.wet.gz")
}

// wat is the metadata of a response, as the tools of Common Crawl read them.
type wat struct {
	Container struct {
		Filename, Offset string
		Compressed       bool
		Gzip             map[string]string `json:"Gzip-Metadata"`
	}
	Envelope struct {
		Format  string
		Header  map[string]string `json:"WARC-Header-Metadata"`
		Payload struct {
			Digest   string `json:"Block-Digest"`
			Length   string `json:"Actual-Content-Length"`
			Response struct {
				Message      map[string]string `json:"Response-Message"`
				Headers      map[string]any
				EntityDigest string `json:"Entity-Digest"`
				HTML         struct {
					Head struct {
						Title          string
						Link           []map[string]string
						Metas, Scripts []map[string]string
					}
					Links []map[string]string
				} `json:"HTML-Metadata"`
			} `json:"HTTP-Response-Metadata"`
		} `json:"Payload-Metadata"`
	}
}

func TestTheMetadataOfACrawlAreExportedAsWAT(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site, archive := archivedLanguages(t, s)
	metadata := derived(t, s, "wat")
	captures := make(map[string]*warctest.Record)
	for _, r := range archive.Captures() {
		captures[fmt.Sprint(r.File, ":", r.Offset)] = r
	}
	found := make(map[string]wat)
	for _, r := range metadata.Of("metadata") {
		var m wat
		if err := json.Unmarshal(r.Block, &m); err != nil {
			t.Fatalf("%s: %v", r, err)
		}
		of := captures[m.Container.Filename+":"+m.Container.Offset]
		if of == nil || of.Get("WARC-Record-ID") != r.Get("WARC-Refers-To") {
			t.Errorf("%s: at %+v is %v", r, m.Container, of)
			continue
		}
		found[strings.TrimPrefix(r.Get("WARC-Target-URI"), site.URL(0, ""))] = m
		got := []string{m.Envelope.Header["WARC-Record-ID"], m.Envelope.Header["WARC-Type"], m.Envelope.Format,
			m.Envelope.Payload.Digest, m.Envelope.Payload.Length, m.Envelope.Payload.Response.EntityDigest,
			m.Container.Gzip["Deflate-Length"], m.Container.Gzip["Inflated-Length"]}
		want := []string{of.Get("WARC-Record-ID"), of.Type(), "WARC/1.1", warctest.Digest(of.Block),
			strconv.Itoa(len(of.Block)), warctest.Digest(of.HTTP.Body), fmt.Sprint(of.Length),
			strconv.Itoa(len(of.Head) + len(of.Block) + len("\r\n\r\n"))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", r, diff)
		}
	}
	var paths []string
	for path, m := range found {
		paths = append(paths, path+" "+m.Envelope.Payload.Response.Message["Status"])
	}
	slices.Sort(paths)
	want := []string{"/ 200", "/again 200", "/deutsch 200", "/missing 404", "/moved 302", "/packed?b=1&a=2 200",
		"/plain.txt 200"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	checkStartPage(t, found["/"])
	if to := found["/moved"].Envelope.Payload.Response.Headers["Location"]; to != "/deutsch" {
		t.Errorf("the redirect leads to %v", to)
	}
	if title := found["/again"].Envelope.Payload.Response.HTML.Head.Title; title != "Grüße" {
		t.Errorf("the title of the copy is %q", title)
	}
}

// checkStartPage checks the metadata of the first page of the site.
func checkStartPage(t *testing.T, m wat) {
	t.Helper()
	answer := m.Envelope.Payload.Response
	if diff := cmp.Diff([]any{"1", "2"}, answer.Headers["X-Twice"]); diff != "" {
		t.Error(diff)
	}
	head := answer.HTML.Head
	if head.Title != "Start & more" || len(head.Link) != 1 || len(head.Metas) != 2 || len(head.Scripts) != 1 {
		t.Errorf("the head is %+v", head)
	}
	links := answer.HTML.Links
	if len(links) != 7 {
		t.Fatalf("the links are %v", links)
	}
	if diff := cmp.Diff(map[string]string{"path": "A@/href", "url": "/packed?b=1&a=2", "rel": "next",
		"text": "next page"}, links[1]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"path": "IMG@/src", "url": "/i.png", "alt": "picture"}, links[6]); diff != "" {
		t.Error(diff)
	}
}

func TestTheURLIndexOfACrawlLeadsToItsRecords(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site, archive := archivedLanguages(t, s)
	s.run("export", "site", "--as", "cc-index", "--to", "index").exits(done)
	captures := make(map[string]*warctest.Record)
	for _, r := range archive.Captures() {
		captures[fmt.Sprint(r.File, ":", r.Offset, "+", r.Length)] = r
	}
	places := make(map[string]string)
	for subset, rows := range indexOf(t, s.path("index"), "cc-main") {
		if !slices.IsSortedFunc(rows, func(a, b tabular.CaptureRow) int { return strings.Compare(a.SURTKey, b.SURTKey) }) {
			t.Errorf("the rows of %s are not sorted", subset)
		}
		for _, row := range rows {
			place := fmt.Sprint(row.Filename, ":", row.Offset, "+", row.Length)
			checkRow(t, row, captures[place])
			delete(captures, place)
			places[strings.TrimPrefix(row.URL, site.URL(0, ""))] = fmt.Sprintf("%s %d %s %s %s %s", subset,
				row.FetchStatus, row.MIMEType, row.MIMEDetected, row.Charset, row.Languages)
		}
	}
	for _, r := range captures {
		t.Errorf("%s is not in the index", r)
	}
	if diff := cmp.Diff(map[string]string{
		"/":               "warc 200 text/html text/html UTF-8 eng",
		"/packed?b=1&a=2": "warc 200 text/html text/html windows-1252 eng",
		"/deutsch":        "warc 200 text/html text/html windows-1252 deu",
		"/plain.txt":      "warc 200 text/plain text/plain UTF-8 eng",
		"/again":          "crawldiagnostics 200 warc/revisit   ",
		"/moved":          "crawldiagnostics 302 text/html text/html UTF-8 ",
		"/missing":        "crawldiagnostics 404 text/plain text/plain UTF-8 ",
		"/robots.txt":     "robotstxt 200 text/plain text/plain UTF-8 ",
	}, places); diff != "" {
		t.Error(diff)
	}

	s.run("export", "site", "--as", "cc-index", "--to", "some", "--where", "url~moved").exits(done, "1 of ")
	if some := indexOf(t, s.path("some"), "cc-main"); len(some) != 1 || len(some["crawldiagnostics"]) != 1 ||
		some["crawldiagnostics"][0].FetchRedirect != site.URL(0, "/deutsch") {
		t.Errorf("the index of a redirect is %v", some)
	}
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "plain").exits(done)
	for _, to := range []string{"plain.warc.wet.gz", "plain.warc.wat.gz"} {
		s.run("export", "plain", "--to", to).exits(failed, `"plain" holds no WARC files: crawl with --format warc`)
	}
	s.run("export", "plain", "--as", "cc-index", "--to", "x").exits(failed, `holds no WARC files`)
	s.run("export", "site", "--as", "cc-index").exits(usage, "not written to standard output")
}

// indexOf reads the tables of an index, by subset.
func indexOf(t *testing.T, dir, crawl string) map[string][]tabular.CaptureRow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]tabular.CaptureRow)
	for _, file := range files {
		subset, ok := strings.CutPrefix(filepath.Base(filepath.Dir(file)), "subset=")
		if !ok || filepath.Base(filepath.Dir(filepath.Dir(file))) != "crawl="+crawl ||
			filepath.Base(file) != "part-00000.zstd.parquet" {
			t.Errorf("there is %s", file)
		}
		if all[subset], err = parquet.ReadFile[tabular.CaptureRow](file); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return all
}

// checkRow compares a row with the record at its place.
func checkRow(t *testing.T, row tabular.CaptureRow, r *warctest.Record) {
	t.Helper()
	if r == nil {
		t.Errorf("no record is at the place of %+v", row)
		return
	}
	id := strings.NewReplacer("<urn:uuid:", "", ">", "", "-", "").Replace(r.Get("WARC-Record-ID"))
	got := []string{row.URL, "sha1:" + row.Digest, fmt.Sprintf("%x", row.RecordID),
		row.FetchTime.UTC().Format("2006-01-02T15:04:05.000"), row.HostName, row.Segment}
	want := []string{r.Get("WARC-Target-URI"), r.Get("WARC-Payload-Digest"), id, r.Get("WARC-Date")[:23], "127.0.0.1",
		strings.TrimSuffix(r.File, ".warc.gz")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", r, diff)
	}
	if r.Type() == "response" && warctest.Digest(r.HTTP.Payload) != "sha1:"+row.Digest {
		t.Errorf("%s: its payload does not have the digest %s", r, row.Digest)
	}
}
