package archive

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// member compresses a text as a gzip member.
func member(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// response returns a record of a response.
func response(url, at, kind, fields, block string) string {
	return member(fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: %s\r\nWARC-Date: %s\r\n%sContent-Length: %d\r\n\r\n%s\r\n\r\n",
		kind, url, at, fields, len(block), block))
}

// line returns a line of an index for a record.
func line(url, stamp, mime string, status any, offset, length int, more string) string {
	return fmt.Sprintf("key %s {\"url\": %q, \"mime\": %q, \"status\": %q, \"offset\": %d, \"length\": \"%d\", \"filename\": \"data.warc.gz\"%s}\n",
		stamp, url, mime, fmt.Sprint(status), offset, length, more)
}

// packed writes a WACZ file of entries that are stored, and returns its name.
func packed(t *testing.T, entries map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range entries {
		method := zip.Store
		name, deflated := strings.CutSuffix(name, "!")
		if deflated {
			method = zip.Deflate
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.wacz")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened opens an archive.
func opened(t *testing.T, where string) *Archive {
	t.Helper()
	a, err := Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// body reads the closest capture of a URL.
func body(t *testing.T, a *Archive, url string) (string, *Response, error) {
	t.Helper()
	c, err := a.Closest(url, time.Now())
	if err != nil {
		return "", nil, err
	}
	r, err := a.Read(t.Context(), c)
	if err != nil {
		return "", nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), r, err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

func TestResponsesAreReadWithoutTheirCodings(t *testing.T) {
	t.Parallel()
	zipped := member("zipped")
	for name, c := range map[string]struct{ block, want string }{
		"plain":                   {ok + "\r\nplain", "plain"},
		"chunked":                 {ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "abc"},
		"said to be chunked":      {ok + "Transfer-Encoding: chunked\r\n\r\nabc, not chunked", "abc, not chunked"},
		"gzip":                    {ok + "Content-Encoding: gzip\r\n\r\n" + zipped, "zipped"},
		"said to be gzip":         {ok + "Content-Encoding: gzip\r\n\r\nplain", "plain"},
		"gzip, chunked":           {ok + fmt.Sprintf("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(zipped), zipped), "zipped"},
		"an unknown coding":       {ok + "Content-Encoding: rot13\r\n\r\ncynva", "cynva"},
		"line feeds and no colon": {"HTTP/1.0 200\nnonsense\nX-A: b\n c\n\nbody", "body"},
		"no body":                 {ok + "\r\n", ""},
	} {
		record := response("http://x.example/", "2026-11-30T12:00:00Z", "response", "", c.block)
		a := opened(t, packed(t, map[string]string{"archive/data.warc.gz": record,
			"indexes/index.cdx": line("http://x.example/", "20261130120000", "text/html", 200, 0, len(record), "")}))
		got, r, err := body(t, a, "http://X.example")
		if got != c.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
			continue
		}
		if r.Header.Get("Content-Encoding") != "" || r.Header.Get("Transfer-Encoding") != "" {
			t.Errorf("%s: the header still has codings: %v", name, r.Header)
		}
	}
}

func TestARevisitHasTheBodyOfItsOriginal(t *testing.T) {
	t.Parallel()
	const digest = `, "digest": "sha1:ABC"`
	original := response("http://x.example/a", "2026-11-30T12:00:00Z", "response", "", ok+"\r\nthe body")
	revisit := func(fields, block string) string {
		return response("http://x.example/b", "2026-11-30T13:00:00Z", "revisit", fields, block)
	}
	for name, c := range map[string]struct {
		record, digest, want string
		status               int
	}{
		"by URL and time": {revisit("WARC-Refers-To-Target-URI: http://x.example/a\r\nWARC-Refers-To-Date: 2026-11-30T12:00:00Z\r\n",
			"HTTP/1.1 203 Mine\r\n\r\n"), "", "the body", 203},
		"by digest": {revisit("WARC-Payload-Digest: sha1:ABC\r\n", ""), digest, "the body", 200},
		"not modified": {revisit("WARC-Refers-To-Target-URI: <http://x.example/a>\r\n",
			"HTTP/1.1 304 Same\r\n\r\n"), "", "the body", 200},
		"one that is not there":   {revisit("WARC-Refers-To-Target-URI: http://x.example/c\r\n", ""), "", "", 0},
		"one that is the revisit": {revisit("WARC-Refers-To-Target-URI: http://x.example/b\r\n", ""), "", "", 0},
	} {
		a := opened(t, packed(t, map[string]string{"archive/data.warc.gz": original + c.record,
			"indexes/index.cdxj": line("http://x.example/a", "20261130120000", "text/html", 200, 0, len(original), digest) +
				line("http://x.example/b", "20261130130000", "warc/revisit", 200, len(original), len(c.record), c.digest)}))
		got, r, err := body(t, a, "http://x.example/b")
		if c.want == "" {
			if !errors.Is(err, ErrMissing) {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			continue
		}
		if err != nil || got != c.want || r.Status != c.status {
			t.Errorf("%s: got %q, %v, want %q with %d", name, got, err, c.want, c.status)
		}
	}
}

func TestHostileArchivesAreErrorsAndNothingElse(t *testing.T) {
	t.Parallel()
	const url, stamp = "http://x.example/", "20261130120000"
	good := response(url, "2026-11-30T12:00:00Z", "response", "", ok+"\r\nbody")
	request := response(url, "2026-11-30T12:00:00Z", "request", "", ok+"\r\n")
	bomb := response(url, "2026-11-30T12:00:00Z", "response", "", ok+"X: "+strings.Repeat("x", 2<<20)+"\r\n\r\nbody")
	at := func(offset, length int) string { return line(url, stamp, "text/html", 200, offset, length, "") }
	for name, entries := range map[string]map[string]string{
		"an offset beyond the end":      {"archive/data.warc.gz": good, "indexes/index.cdx": at(1<<40, 10)},
		"an offset within a record":     {"archive/data.warc.gz": good, "indexes/index.cdx": at(10, len(good)-10)},
		"a length that is too short":    {"archive/data.warc.gz": good, "indexes/index.cdx": at(0, 30)},
		"a record that is cut off":      {"archive/data.warc.gz": good[:60], "indexes/index.cdx": at(0, len(good))},
		"a WARC file that is missing":   {"archive/other.warc.gz": good, "indexes/index.cdx": at(0, len(good))},
		"a WARC file that is deflated":  {"archive/data.warc.gz!": good, "indexes/index.cdx": at(0, len(good))},
		"a WARC file in another folder": {"archive/../data.warc.gz": good, "indexes/index.cdx": at(0, len(good))},
		"a head without an end":         {"archive/data.warc.gz": bomb, "indexes/index.cdx": at(0, len(bomb))},
		"no WARC":                       {"archive/data.warc.gz": "hello, world", "indexes/index.cdx": at(0, 12)},
		"a request":                     {"archive/data.warc.gz": request, "indexes/index.cdx": at(0, len(request))},
	} {
		a := opened(t, packed(t, entries))
		if text, _, err := body(t, a, url); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
}

func TestDamageOfAnIndexIsReportedAndTheRestIsRead(t *testing.T) {
	t.Parallel()
	const url, stamp = "http://x.example/", "20261130120000"
	good := response(url, "2026-11-30T12:00:00Z", "response", "", ok+"\r\nbody")
	lines := line(url, stamp, "text/html", 200, 0, len(good), "")
	for name, c := range map[string]struct{ file, index string }{
		"garbage":          {"indexes/index.cdx", lines + "nonsense\n"},
		"no JSON":          {"indexes/index.cdx", lines + "key " + stamp + " {\"url\n"},
		"a negative place": {"indexes/index.cdx", lines + line(url, stamp, "text/html", 200, -5, 5, "")},
		"a bad time":       {"indexes/index.cdx", lines + line(url, "yesterday", "text/html", 200, 0, 5, "")},
		"no WARC file":     {"indexes/index.cdx", lines + strings.ReplaceAll(lines, "data.warc.gz", "../../etc/passwd")},
		"gzip that is cut": {"indexes/index.cdx.gz", member(lines) + member(strings.Repeat(lines, 50))[:40]},
		"no gzip":          {"indexes/other.cdx.gz", "nonsense"},
		"a long line":      {"indexes/index.cdx", lines + strings.Repeat("x", 2<<20)},
	} {
		entries := map[string]string{"archive/data.warc.gz": good, "indexes/index.cdx": lines}
		entries[c.file] = c.index
		a := opened(t, packed(t, entries))
		if len(a.Damaged()) == 0 || !errors.Is(a.Damaged()[0], ErrDamaged) {
			t.Errorf("%s: the damage is not reported: %v", name, a.Damaged())
		}
		if text, _, err := body(t, a, url); text != "body" || err != nil {
			t.Errorf("%s: got %q, %v", name, text, err)
		}
	}
}

func TestWhatIsNoArchiveIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.wacz")
	if err := os.WriteFile(garbage, []byte("not a ZIP file"), 0o644); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]error{
		dir: ErrEmpty, filepath.Join(dir, "missing"): ErrEmpty, filepath.Join(dir, "missing.wacz"): ErrEmpty,
		packed(t, map[string]string{"readme.txt": "hello"}): ErrEmpty, garbage: ErrDamaged,
	} {
		if a, err := Open(t.Context(), where); !errors.Is(err, want) || !strings.Contains(err.Error(), where) {
			t.Errorf("%q: got %v, %v, want %v", where, a, err, want)
		}
	}
}

func TestTheClosestCaptureIsFound(t *testing.T) {
	t.Parallel()
	lines := ""
	for _, c := range []struct {
		url, stamp string
		status     int
	}{
		{"http://x.example/a", "20260101000000", 200}, {"http://x.example/a", "20260301000000", 200},
		{"http://x.example/a", "20260201000000", 404}, {"http://x.example/a/", "20260215000000", 200},
		{"http://x.example/gone", "20260101000000", 404},
	} {
		lines += line(c.url, c.stamp, "text/html", c.status, 0, 5, "")
	}
	a := opened(t, packed(t, map[string]string{"archive/data.warc.gz": "", "indexes/index.cdx": lines}))
	for _, c := range []struct{ url, at, want string }{
		{"http://x.example/a", "2026", "20260101000000"}, {"http://x.example/a", "202602", "20260301000000"},
		{"http://x.example/a", "2027", "20260301000000"}, {"http://x.example/a/", "2026", "20260215000000"},
		{"https://www.x.example/A#x", "20260214", "20260215000000"}, {"http://x.example/gone", "2030", "20260101000000"},
	} {
		at, err := ParseStamp(c.at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Closest(c.url, at)
		if err != nil || Stamp(got.Date) != c.want {
			t.Errorf("%s at %s: got %s, %v, want %s", c.url, c.at, Stamp(got.Date), err, c.want)
		}
	}
	if _, err := a.Closest("http://x.example/b", time.Now()); !errors.Is(err, ErrMissing) {
		t.Errorf("a URL that is not there: %v", err)
	}
}
