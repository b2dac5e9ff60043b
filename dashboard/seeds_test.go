package dashboard

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

const seedsOfNews = "/api/v1/jobs/news/seeds"

// packed returns a text compressed with gzip.
func packed(t testing.TB, text string) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestAListReportsItsResult(t *testing.T) {
	t.Parallel()
	plain := "\ufeffhttps://a.example/\r\n\n# a comment\nnowhere\nhttps://a.example/\nhttps://b.example/"
	lines := `{"url": "https://a.example/"}` + "\n\n# a comment\n" + `{"url": "nowhere"}` + "\n" +
		`{"url": "https://a.example/"}` + "\n" + `{"url": "https://b.example/"}`
	for name, c := range map[string]struct {
		kind string
		body io.Reader
		gzip string
	}{
		"as text":                  {"text/plain; charset=utf-8", strings.NewReader(plain), ""},
		"as text, not said":        {"", strings.NewReader(plain), ""},
		"as JSON":                  {"application/x-ndjson", strings.NewReader(lines), ""},
		"as JSON, by another name": {"application/ndjson", strings.NewReader(lines), ""},
		"as text, packed":          {"text/plain", packed(t, plain), "gzip"},
		"as JSON, packed":          {"application/x-ndjson", packed(t, lines), "gzip"},
		"packed in two parts": {
			"text/plain", io.MultiReader(packed(t, plain[:30]), packed(t, plain[30:])), "gzip",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestDashboard(t)
			s.job(t, "news")
			header := []string{"Content-Encoding", c.gzip}
			if c.kind != "" {
				header = append(header, "Content-Type", c.kind)
			}
			a := s.ask(t, http.MethodPost, seedsOfNews, c.body, header...)
			a.want(t, http.StatusOK)
			var got crawler.Seeding
			a.read(t, &got)
			_, reason := crawler.ParseURL("nowhere")
			want := crawler.Seeding{Admitted: 2, Seen: 1, Refused: 1,
				Refusals: []crawler.Refusal{{Line: 4, URL: "nowhere", Reason: reason.Error()}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLinesThatCannotBeUnderstoodAreRefusedAndTheListGoesOn(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	body := `"https://a.example/"` + "\n" + `{"uri": "https://a.example/"}` + "\n" + `{"url": 7}` + "\n" +
		`{"url": "https://a.example/b", "prioritty": "high"}` + "\n" + `{"url": "https://a.example/b"} {}` + "\n" +
		strings.Repeat("x", 3*maxLine) + "\n" + `{"url": "nowhere"}` + "\n" + `{"url": "https://a.example/"}` + "\n"
	var got crawler.Seeding
	s.post(t, seedsOfNews, "application/x-ndjson", body).read(t, &got)
	if got.Admitted != 1 || got.Refused != 7 || len(got.Refusals) != 7 {
		t.Fatalf("%+v", got)
	}
	for i, says := range []string{`want {"url": "…"}`, `unknown field "uri" (did you mean "url"?)`,
		"cannot unmarshal number", `unknown field "prioritty" (did you mean "priority"?)`, "more than one object",
		"more than 65536 bytes", "not a URL"} {
		r := got.Refusals[i]
		if r.Line != int64(i+1) || !strings.Contains(r.Reason, says) || len(r.URL) > shownLine+len("…") {
			t.Errorf("line %d was refused as %+v, want %q", i+1, r, says)
		}
	}
}

func TestSeedsHaveAPriority(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	var brought []string
	s.onSeed = func(line string) { brought = append(brought, line) }
	body := `{"url": "https://a.example/", "priority": "low"}` + "\n" + `{"url": "https://b.example/"}` + "\n" +
		`{"url": "https://c.example/", "priority": "lwo"}` + "\n"
	var got crawler.Seeding
	s.post(t, seedsOfNews+"?priority=urgent", "application/x-ndjson", body).read(t, &got)
	want := []string{`{"url":"https://a.example/","priority":"low"}`,
		`{"url":"https://b.example/","priority":"urgent"}`}
	if diff := cmp.Diff(want, brought); diff != "" {
		t.Errorf("seeds (-want +got):\n%s", diff)
	}
	if got.Admitted != 2 || got.Refused != 1 || got.Refusals[0].Line != 3 ||
		!strings.Contains(got.Refusals[0].Reason, `"lwo" is not a priority (did you mean "low"?)`) {
		t.Errorf("the result is %+v", got)
	}
	brought = nil
	s.post(t, seedsOfNews+"?changed=true", "text/plain", "https://a.example/\n").read(t, &got)
	if want := []string{`{"url":"https://a.example/","changed":true}`}; !slices.Equal(brought, want) {
		t.Errorf("pages that have changed are brought as %q, want %q", brought, want)
	}
	for query, says := range map[string]string{"priority=9": `parameter priority: "9" is not a priority`,
		"changed=perhaps": `parameter changed: "perhaps" is neither true nor false`,
		"prority=low":     `unknown parameter "prority" (did you mean "priority"?)`} {
		if a := s.post(t, seedsOfNews+"?"+query, "text/plain",
			"https://d.example/\n"); a.status != http.StatusBadRequest ||
			!strings.Contains(a.body, strings.ReplaceAll(says, `"`, `\"`)) {
			t.Errorf("?%s is answered with %d %s, want 400 and %s", query, a.status, a.body, says)
		}
	}
}

func TestTheFirstHundredRefusalsAreListed(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	body := strings.Repeat("{}\n{\"url\": \"nowhere\"}\n", 80)
	var got crawler.Seeding
	s.post(t, seedsOfNews, "application/x-ndjson", body).read(t, &got)
	if got.Refused != 160 || len(got.Refusals) != queue.MaxRefusals {
		t.Fatalf("%d refused, %d listed", got.Refused, len(got.Refusals))
	}
	for i, r := range got.Refusals {
		if r.Line != int64(i+1) {
			t.Fatalf("refusal %d is for line %d", i, r.Line)
		}
	}
}

func TestAListIsAdmittedAsItComes(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	heard := make(chan string)
	s.onSeed = func(url string) { heard <- url }
	body, feed := io.Pipe()
	answered := s.asks(t, http.MethodPost, seedsOfNews, body, "Content-Type", "text/plain")
	for i := range 5 { // each line is sent when the line before it was admitted
		url := fmt.Sprintf("https://a.example/%d", i)
		fmt.Fprintln(feed, url)
		if got := next(t, heard, answered); got != url {
			t.Errorf("%s was admitted, want %s", got, url)
		}
	}
	feed.Close()
	(<-answered).want(t, http.StatusOK, `"admitted": 5`)
}

// next waits for the next URL that the dashboard admits. It fails the test if the request ends
// first.
func next(t *testing.T, heard <-chan string, answered <-chan answer) string {
	t.Helper()
	select {
	case url := <-heard:
		return url
	case a := <-answered:
		t.Fatalf("the request ended: %+v", a)
		return ""
	}
}

// A request whose body does not arrive is cut off by the server's time limits. Its end shows that
// the limits have passed for an older request as well.
func TestAListOutlastsTheLimitsOfTheServer(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(_ *Config, server *http.Server) {
		server.ReadTimeout, server.WriteTimeout = time.Second, time.Second
	})
	s.job(t, "news")
	heard := make(chan string)
	s.onSeed = func(url string) { heard <- url }
	body, feed := io.Pipe()
	answered := s.asks(t, http.MethodPost, seedsOfNews, body, "Content-Type", "text/plain")
	fmt.Fprintln(feed, "https://a.example/1")
	next(t, heard, answered)
	s.waitForTheLimits(t)
	fmt.Fprintln(feed, "https://a.example/2")
	next(t, heard, answered)
	feed.Close()
	(<-answered).want(t, http.StatusOK, `"admitted": 2`)
}

// waitForTheLimits sends half a request and waits until the server cuts it off.
func (s *testDashboard) waitForTheLimits(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	_, _ = io.Copy(io.Discard, conn)
}

func TestAJobThatHasEndedTakesNoSeedsAndSaysHowToReopenIt(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for state, says := range map[crawler.State]string{
		crawler.StateDone:      "POST /api/v1/jobs/news/resume to reopen it",
		crawler.StateCancelled: "create another",
		crawler.StateFailed:    "POST /api/v1/jobs/news/resume to reopen it",
	} {
		s.change("news", func(r *fakeJob) { r.status.State = state })
		s.post(t, seedsOfNews, "text/plain", "https://a.example/\n").wantError(t, http.StatusConflict,
			`"news" is `+string(state), says)
	}
}

func TestAJobThatEndsMeanwhileSaysWhatItTook(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.endSeed = func(line int64) bool {
		if line == 3 {
			s.change("news", func(r *fakeJob) { r.status.State = crawler.StateDone })
		}
		return line == 3
	}
	a := s.post(t, seedsOfNews, "text/plain", "https://a.example/1\nhttps://a.example/2\nhttps://a.example/3\n")
	a.wantError(t, http.StatusConflict, "reopen it")
	a.want(t, http.StatusConflict, `"admitted": 2`)
}

func TestAListThatIsTooLargeSaysWhatItTook(t *testing.T) {
	t.Parallel()
	const line = "https://a.example/\n"
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.SeedBytes = 2 * int64(len(line)) })
	s.job(t, "news")
	s.post(t, seedsOfNews, "text/plain", line+line).want(t, http.StatusOK, `"admitted": 1`)
	s.post(t, seedsOfNews, "text/plain", line+line+line).wantError(t, http.StatusRequestEntityTooLarge,
		"more than 38 bytes")
	a := s.ask(t, http.MethodPost, seedsOfNews, packed(t, strings.Repeat(line, 1000)), "Content-Encoding", "gzip")
	a.wantError(t, http.StatusRequestEntityTooLarge)
}

func TestTheNumberOfListsReadAtOnceIsBounded(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.SeedLists = 1 })
	s.job(t, "news")
	body, send := io.Pipe()
	ended := s.asks(t, http.MethodPost, seedsOfNews, body)
	if _, err := io.WriteString(send, "https://a.example/\n"); err != nil { // the list is being read
		t.Fatal(err)
	}
	for len(s.quota.lists) == 0 {
		runtime.Gosched() // until a place is free
	}
	a := s.post(t, seedsOfNews, "text/plain", "https://b.example/\n")
	a.wantError(t, http.StatusTooManyRequests, "1 lists of seeds")
	if after := a.header.Get("Retry-After"); after != "10" {
		t.Errorf("Retry-After: %q", after)
	}
	send.Close()
	(<-ended).want(t, http.StatusOK, `"admitted": 1`)
	s.post(t, seedsOfNews, "text/plain", "https://b.example/\n").want(t, http.StatusOK, `"admitted": 1`)
}

func TestLinesAreReadNoFasterThanTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lines := func(yield func(string, error) bool) {
			for yield("https://a.example/", nil) {
			}
		}
		q, began, n := newQuota(0, 100), time.Now(), 0
		for _, err := range q.paced(t.Context(), lines) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 1010 {
				break
			}
		}
		if took := time.Since(began); took.Round(10*time.Millisecond) != 10*time.Second { // except for the first ten
			t.Errorf("1010 lines took %v, want 10s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, err := range q.paced(ctx, lines) {
			if cancel(); err != nil {
				return
			}
		}
		t.Error("it continues after its context has ended")
	})
}

func TestAListThatIsPackedBadlyIsRefused(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.ask(t, http.MethodPost, seedsOfNews, strings.NewReader("https://a.example/\n"), "Content-Encoding", "gzip").
		wantError(t, http.StatusBadRequest, "not compressed with gzip")
	half := packed(t, strings.Repeat("https://a.example/\n", 100)).Bytes()
	s.ask(t, http.MethodPost, seedsOfNews, bytes.NewReader(half[:len(half)-4]), "Content-Encoding", "gzip").
		wantError(t, http.StatusBadRequest, "cannot be read completely")
	a := s.ask(t, http.MethodPost, seedsOfNews, strings.NewReader("x"), "Content-Encoding", "br")
	a.wantError(t, http.StatusUnsupportedMediaType, `"br"`)
	if a.header.Get("Accept-Encoding") != "gzip" {
		t.Errorf("Accept-Encoding: %q", a.header.Get("Accept-Encoding"))
	}
}

func TestAListThatBreaksOffEndsTheSeeding(t *testing.T) {
	t.Parallel()
	l := newList(io.MultiReader(strings.NewReader("https://a.example/\nhttps://b.exam"), brokenReader{}), plainLine)
	var urls []string
	var last error
	for url, err := range l.urls() {
		urls, last = append(urls, url), err
	}
	if diff := cmp.Diff([]string{"https://a.example/", ""}, urls); diff != "" {
		t.Errorf("half a line counts as a line: %s", diff)
	}
	if !errors.Is(last, errBroken) || !errors.Is(l.err, io.ErrUnexpectedEOF) {
		t.Errorf("ended with %v", last)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestALongListIsHeldALineAtATime(t *testing.T) {
	t.Parallel()
	l := newList(io.LimitReader(endlessLine{}, 8<<20), plainLine)
	lines := 0
	for range l.urls() {
		lines++
	}
	if lines != 1 || l.refused.Refused != 1 || l.err != nil {
		t.Errorf("%d lines, %d refused, %v", lines, l.refused.Refused, l.err)
	}
}

// FuzzList checks that each line is yielded once, whatever it contains.
func FuzzList(f *testing.F) {
	f.Add([]byte("https://a.example/\n\n# c\n{\"url\":\"x\"}"))
	f.Add([]byte("\xef\xbb\xbf\r\n\xff\xfe"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func([]byte) (string, error){plainLine, jsonLine} {
			want := 0
			for lines := bufio.NewReader(bytes.NewReader(body)); ; want++ {
				if line, err := lines.ReadBytes('\n'); err != nil && len(line) == 0 {
					break
				}
			}
			got := 0
			l := newList(bytes.NewReader(body), read)
			for _, err := range l.urls() {
				if err != nil {
					t.Fatal(err)
				}
				got++
			}
			if got != want {
				t.Errorf("%d of %d lines in %q", got, want, body)
			}
		}
	})
}

// Bytes that end no line, and lines without a URL, do not count as progress of a list.
func TestAListThatStallsIsEnded(t *testing.T) {
	t.Parallel()
	for name, drip := range map[string]string{"nothing": "", "half a line": "https://a.exam",
		"comments": "# still here\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestDashboard(t, func(c *Config, _ *http.Server) { c.SeedIdle = 300 * time.Millisecond })
			s.job(t, "news")
			heard := make(chan string, 1)
			s.onSeed = func(url string) { heard <- url }
			list := s.openList(t)
			answered := list.answer(t)
			list.send("https://a.example/1\n")
			select {
			case <-heard:
			case a := <-answered:
				t.Skipf("the machine is too slow: the answer came before the first line was read: %+v", a)
			}
			go func() {
				for drip != "" && list.send(drip) { // until the server stops reading
					time.Sleep(5 * time.Millisecond)
				}
			}()
			(<-answered).want(t, http.StatusRequestTimeout, "the next line of the list did not arrive within 300ms",
				"--seed-idle", `"admitted": 1`)
		})
	}
}

// openList is a request for seeds whose list is still being sent. An HTTP client returns an error,
// and no answer, if it fails to send while the answer is on its way.
type openList struct{ conn net.Conn }

func (s *testDashboard) openList(t *testing.T) openList {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", seedsOfNews)
	return openList{conn}
}

// send sends a part of the list, and reports whether it succeeded.
func (l openList) send(part string) bool {
	_, err := fmt.Fprintf(l.conn, "%x\r\n%s\r\n", len(part), part)
	return err == nil
}

// answer reads the answer while the test continues. If reading fails, it fails the test and closes
// the channel.
func (l openList) answer(t *testing.T) <-chan answer {
	answered := make(chan answer, 1)
	go func() {
		defer close(answered)
		response, err := http.ReadResponse(bufio.NewReader(l.conn), nil)
		if err != nil {
			t.Errorf("read the answer: %v", err)
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Errorf("read the answer: %v", err)
		}
		answered <- answer{response.StatusCode, response.Header, string(text)}
	}()
	return answered
}
