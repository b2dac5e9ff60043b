package replay

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/archive"
)

// capture is a response of an archive that a test makes.
type capture struct{ url, stamp, head, body string }

// page returns a capture in HTML.
func page(url, stamp, body string) capture {
	return capture{url, stamp, "200 OK\r\nContent-Type: text/html; charset=utf-8", body}
}

// archived opens an archive of captures.
func archived(t *testing.T, captures ...capture) *archive.Archive {
	t.Helper()
	var data bytes.Buffer
	var lines strings.Builder
	for _, c := range captures {
		block := "HTTP/1.1 " + c.head + "\r\n\r\n" + c.body
		offset := data.Len()
		zip := gzip.NewWriter(&data)
		fmt.Fprintf(zip, "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
			c.url, len(block), block)
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
		_, mime, _ := strings.Cut(c.head, "Content-Type: ")
		mime, _, _ = strings.Cut(mime, "\r")
		mime, _, _ = strings.Cut(mime, ";")
		fmt.Fprintf(&lines, "key %s {\"url\": %q, \"mime\": %q, \"status\": %q, \"digest\": \"sha1:X\", \"offset\": \"%d\", \"length\": \"%d\", \"filename\": \"data.warc.gz\"}\n",
			c.stamp, c.url, mime, c.head[:3], offset, data.Len()-offset)
	}
	path := filepath.Join(t.TempDir(), "a.wacz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for name, text := range map[string]string{"archive/data.warc.gz": data.String(), "indexes/index.cdx": lines.String()} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// served starts a server of captures and returns its address.
func served(t *testing.T, cfg Config, captures ...capture) string {
	t.Helper()
	server := httptest.NewServer(New(archived(t, captures...), cfg))
	t.Cleanup(server.Close)
	return server.URL
}

// asked makes a request without following redirects.
func asked(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

const first, second = "20260101000000", "20260301000000"

func TestReferencesOfACaptureLeadToOtherCaptures(t *testing.T) {
	t.Parallel()
	at := served(t, Config{}, page("http://x.example/dir/", first,
		`<base href="/other/"><title>x</title><link rel=stylesheet href=s.css><a href="//y.example/?a=1&amp;b">y</a>`+
			`<img src="../i.png" srcset="i.png 2x"><form action="/find"><meta http-equiv=refresh content="1;url=z">`+
			`<style>a{background:url(/b.png)}</style><script src="http://evil.example/x.js"></script>`),
		capture{"http://x.example/other/s.css", first, "200 OK\r\nContent-Type: text/css",
			`@import "t.css"; a{b:url(i.png)}`},
		capture{"http://x.example/moved", first, "301 Moved\r\nLocation: dir/?q=1\r\nSet-Cookie: a=b\r\nStrict-Transport-Security: max-age=1", ""},
	)
	const p = "/web/" + first + "/http://x.example"
	_, body := asked(t, "GET", at+p+"/dir/")
	want := `<base ><title>x</title><link rel=stylesheet href="` + p + `/other/s.css"><a href="/web/` + first +
		`/http://y.example/?a=1&amp;b">y</a><img src="` + p + `/i.png" srcset="` + p + `/other/i.png 2x"><form action="` +
		p + `/find"><meta http-equiv=refresh content="1;url=` + p + `/other/z"><style>a{background:url(` + p +
		`/b.png)}</style><script src="/web/` + first + `/http://evil.example/x.js"></script>`
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
	answer, body := asked(t, "GET", at+p+"/other/s.css")
	if want := `@import "` + p + `/other/t.css"; a{b:url(` + p + `/other/i.png)}`; body != want ||
		answer.Header.Get("Content-Type") != "text/css" {
		t.Errorf("the style sheet is %s %q", answer.Header.Get("Content-Type"), body)
	}
	answer, _ = asked(t, "GET", at+p+"/moved")
	if answer.StatusCode != 301 || answer.Header.Get("Location") != p+"/dir/?q=1" ||
		answer.Header.Get("Set-Cookie")+answer.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("the redirect is %d %v", answer.StatusCode, answer.Header)
	}
}

func TestAnswersKeepPagesOnThisMachine(t *testing.T) {
	t.Parallel()
	captures := []capture{page("http://x.example/", first, "<script>x()</script>"),
		{"http://x.example/i.svg", first, "200 OK\r\nContent-Type: image/svg+xml\r\nContent-Security-Policy: script-src *", "<svg/>"}}
	at := served(t, Config{}, captures...)
	for path, status := range map[string]int{
		"/": 200, "/web/" + first + "/http://x.example/": 200, "/web/2026/http://x.example/i.svg": 200,
		"/web/2026/http://y.example/": 404, "/web/http://y.example/": 404, "/nothing": 404, "/cdx": 400,
		"/web/timemap/link/http://y.example/": 404, "/web/": 404, "/web/2026": 404, "/web/2026/": 404, "//": 404,
	} {
		answer, body := asked(t, "GET", at+path)
		policy := answer.Header["Content-Security-Policy"]
		if answer.StatusCode != status || len(policy) != 1 || !strings.Contains(policy[0], "default-src 'self' ") ||
			!strings.Contains(policy[0], "script-src 'none'; sandbox") {
			t.Errorf("%s: got %d with the policy %q, want %d: %.200s", path, answer.StatusCode, policy, status, body)
		}
	}
	if answer, _ := asked(t, "POST", at+"/"); answer.StatusCode != 405 {
		t.Errorf("POST: %d", answer.StatusCode)
	}
	if answer, _ := asked(t, "GET", at+"/", "Host", "evil.example"); answer.StatusCode != 421 {
		t.Errorf("a name that leads here: %d", answer.StatusCode)
	}
	if answer, body := asked(t, "HEAD", at+"/web/2026/http://x.example/"); answer.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", answer.StatusCode, body)
	}
	answer, _ := asked(t, "GET", served(t, Config{Scripts: true}, captures...)+"/web/2026/http://x.example/")
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self' ") ||
		strings.Contains(policy, "sandbox") {
		t.Errorf("with scripts, the policy is %q", policy)
	}
}

func TestMementoLeadsToTheCaptureOfATime(t *testing.T) {
	t.Parallel()
	at := served(t, Config{}, page("http://x.example/", first, "one"), page("http://x.example/", second, "two"))
	for path, want := range map[string]string{
		"/web/2026/http://x.example/": "one", "/web/20260228id_/http://x.example/": "two", "/web/2027/x.example": "two",
		"/web/2026/http:/x.example/": "one",
	} {
		if answer, body := asked(t, "GET", at+path); body != want || answer.Header.Get("Memento-Datetime") == "" ||
			!strings.Contains(answer.Header.Get("Link"), `<http://x.example/>; rel="original"`) {
			t.Errorf("%s: got %q with %v, want %q", path, body, answer.Header, want)
		}
	}
	for date, want := range map[string]string{"": second, "Thu, 01 Jan 2026 10:00:00 GMT": first} {
		answer, _ := asked(t, "GET", at+"/web/http://x.example/", "Accept-Datetime", date)
		if answer.StatusCode != 302 || answer.Header.Get("Location") != "/web/"+want+"/http://x.example/" ||
			answer.Header.Get("Vary") != "Accept-Datetime" {
			t.Errorf("%q: got %d %v, want %s", date, answer.StatusCode, answer.Header, want)
		}
	}
	if answer, _ := asked(t, "GET", at+"/web/http://x.example/", "Accept-Datetime", "soon"); answer.StatusCode != 400 {
		t.Errorf("a bad date: %d", answer.StatusCode)
	}
	answer, body := asked(t, "GET", at+"/web/timemap/link/http://x.example/")
	want := `<http://x.example/>; rel="original",
<` + at + `/web/timemap/link/http://x.example/>; rel="self"; type="application/link-format",
<` + at + `/web/http://x.example/>; rel="timegate",
<` + at + `/web/` + first + `/http://x.example/>; rel="memento"; datetime="Thu, 01 Jan 2026 00:00:00 GMT",
<` + at + `/web/` + second + `/http://x.example/>; rel="memento"; datetime="Sun, 01 Mar 2026 00:00:00 GMT"
`
	if diff := cmp.Diff(want, body); diff != "" || answer.Header.Get("Content-Type") != "application/link-format" {
		t.Errorf("the TimeMap is %s: %s", answer.Header.Get("Content-Type"), diff)
	}
}

func TestAReferenceThatAScriptMadeLeadsBackIntoTheArchive(t *testing.T) {
	t.Parallel()
	at := served(t, Config{}, page("http://x.example/dir/", first, "one"))
	answer, _ := asked(t, "GET", at+"/api?q=1", "Referer", at+"/web/"+first+"/http://x.example/dir/")
	if to := answer.Header.Get("Location"); to != "/web/"+first+"/http://x.example/api?q=1" {
		t.Errorf("it leads to %q", to)
	}
	answer, _ = asked(t, "GET", at+"/api", "Referer", "http://evil.example/web/2026/http://x.example/")
	if answer.StatusCode != 404 {
		t.Errorf("from another site: %d", answer.StatusCode)
	}
}

func TestTheCDXServerFindsCaptures(t *testing.T) {
	t.Parallel()
	at := served(t, Config{}, page("http://x.example/", first, "one"), page("http://x.example/", second, "two"),
		page("http://x.example/dir/a", first, ""), page("http://sub.x.example/", first, ""),
		page("http://xx.example/", first, ""),
		capture{"http://x.example/i.png", first, "404 Gone\r\nContent-Type: image/png", ""})
	for query, want := range map[string]string{
		"url=http://x.example/":                              "http://x.example/ http://x.example/",
		"url=x.example&limit=1":                              "http://x.example/",
		"url=x.example&from=2026&to=202601":                  "http://x.example/",
		"url=x.example&from=202602":                          "http://x.example/",
		"url=x.example/dir/*":                                "http://x.example/dir/a",
		"url=x.example/&matchType=host&filter==status:404":   "http://x.example/i.png",
		"url=x.example&matchType=host&filter=!~mime:text/.*": "http://x.example/i.png",
		"url=*.x.example&filter=mime:html":                   "http://x.example/ http://x.example/ http://x.example/dir/a http://sub.x.example/",
		"url=http://y.example/":                              "",
	} {
		answer, body := asked(t, "GET", at+"/cdx?"+query+"&output=json&fl=url")
		got := strings.Join(strings.Fields(strings.NewReplacer(`{"url": "`, "", `"}`, "").Replace(body)), " ")
		if got != want || answer.StatusCode != 200 {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	_, body := asked(t, "GET", at+"/cdx?url=x.example/dir/a")
	if want := `example,x)/dir/a ` + first + ` {"url": "http://x.example/dir/a", "mime": "text/html", "status": "200", "digest": "sha1:X", "length": "`; !strings.HasPrefix(body, want) {
		t.Errorf("a line is %q, want %q", body, want)
	}
	for query, want := range map[string]string{
		"": `"url" is missing`, "url=x&collapse=digest": `"collapse" is not supported`, "url=x&limit=0": `limit "0"`,
		"url=x&output=xml": `output "xml"`, "url=x&fl=price": `field "price"`, "url=x&filter=~url:(": `filter "~url:("`,
		"url=x&matchType=all": `matchType "all"`,
	} {
		if answer, body := asked(t, "GET", at+"/cdx?"+query); answer.StatusCode != 400 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %q, want %q", query, answer.StatusCode, body, want)
		}
	}
}

func TestTheListHasThePagesWithTheirTitles(t *testing.T) {
	t.Parallel()
	captures := []capture{page("http://x.example/a", first, `<title>&lt;script>alert(1)&lt;/script></title>`),
		page("http://x.example/other", first, "no title"),
		{"http://x.example/a.png", first, "200 OK\r\nContent-Type: image/png", ""}}
	for i := range maxRows {
		captures = append(captures, page(fmt.Sprintf("http://y.example/%03d", i), first, ""))
	}
	at := served(t, Config{}, captures...)
	_, body := asked(t, "GET", at+"/")
	if n := strings.Count(body, "<tr>"); n != maxRows || !strings.Contains(body, "&lt;script&gt;alert(1)") ||
		strings.Contains(body, "<script") || strings.Contains(body, "a.png") || !strings.Contains(body, `id="next"`) {
		t.Errorf("the list has %d rows:\n%.3000s", n, body)
	}
	_, rest, _ := strings.Cut(body, `id="next" href="`)
	next, _, _ := strings.Cut(rest, `"`)
	if _, body := asked(t, "GET", at+strings.ReplaceAll(next, "&amp;", "&")); strings.Count(body, "<tr>") != 2 {
		t.Errorf("the next page %s is\n%.3000s", next, body)
	}
	if _, body := asked(t, "GET", at+"/?q=oth"); strings.Count(body, "<tr>") != 1 {
		t.Errorf("a search finds\n%s", body)
	}
	if _, body := asked(t, "GET", at+"/web/*/http://x.example/a.png"); strings.Count(body, "<tr>") != 1 {
		t.Errorf("the captures of a URL are\n%s", body)
	}
}

func TestASampleSaysWhatPagesLack(t *testing.T) {
	t.Parallel()
	css := func(url, body string) capture { return capture{url, first, "200 OK\r\nContent-Type: text/css", body} }
	image := func(url string) capture { return capture{url, first, "200 OK\r\nContent-Type: image/png", "png"} }
	a := archived(t,
		page("http://x.example/1whole", first, `<link rel=stylesheet href=a.css><img src=i.png srcset="i.png 1x, moved.png 2x">`),
		page("http://x.example/2lacks", first, `<img src=gone.png><script src=none.js></script><link rel=stylesheet href=b.css>`),
		page("http://x.example/3text", first, `no resources`),
		css("http://x.example/a.css", `@import "c.css"; a{b:url(i.png)}`), css("http://x.example/c.css", `@import "a.css";`),
		css("http://x.example/b.css", `a{b:url(f.woff2)}`), image("http://x.example/i.png"),
		capture{"http://x.example/moved.png", first, "302 Moved\r\nLocation: i.png", ""},
		capture{"http://x.example/gone.png", first, "404 Gone\r\nContent-Type: text/html", ""})
	got, err := Sample(t.Context(), a, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := &Report{Pages: 3, Sampled: 3, Whole: 2, Share: 2.0 / 3, Broken: []PageCheck{{URL: "http://x.example/2lacks",
		Time: "2026-01-01T00:00:00Z", Missing: []Missing{
			{URL: "http://x.example/gone.png", Why: "status 404"}, {URL: "http://x.example/none.js", Why: "not archived"},
			{URL: "http://x.example/f.woff2", Why: "not archived", Via: "http://x.example/b.css"}}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err = Sample(t.Context(), a, 1); err != nil || got.Sampled != 1 || got.Whole != 1 || got.Share != 1 {
		t.Errorf("a sample of one page: %+v, %v", got, err)
	}
}
