package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

// serverEvent is a server-sent event.
type serverEvent struct{ name, data string }

// listen opens a stream of events, which ends when close is called.
func (s *testDashboard) listen(t testing.TB, path string) (next func(name string) serverEvent, close func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%s responds with %d, %q", path, response.StatusCode, kind)
	}
	close = func() { cancel(); response.Body.Close() }
	t.Cleanup(close)
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	read := func() (e serverEvent, ok bool) {
		for lines.Scan() {
			switch line := lines.Text(); {
			case line == "":
				return e, true
			case strings.HasPrefix(line, "event: "):
				e.name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				e.data = line[len("data: "):]
			}
		}
		return e, false
	}
	return func(name string) serverEvent {
		t.Helper()
		for {
			e, ok := read()
			if !ok && name == "" {
				return serverEvent{}
			}
			if !ok {
				t.Fatalf("the stream ends before an event %q: %v", name, lines.Err())
			}
			if e.name == name {
				return e
			}
		}
	}, close
}

func (s *testDashboard) recent(job string, rows ...tail.Row) {
	s.change(job, func(r *fakeJob) { r.recent = append(r.recent, rows...) })
}

func TestAStreamTellsWhatHappensToAJob(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.busyJob(t, "news")
	next, _ := s.listen(t, "/api/v1/jobs/news/events?outcome=failed,gone&host=a.t")
	var one sheet
	if err := json.Unmarshal([]byte(next("job").data), &one); err != nil || one.Name != "news" ||
		one.Counters.Pages() != 2000 || one.PagesPerSecond == nil || one.Job != nil {
		t.Errorf("the event is %+v, %v", one, err)
	}
	s.recent("news", tail.Row{URL: "http://a.test/1", Host: "a.test", Outcome: crawler.OutcomeFetched},
		tail.Row{URL: "http://a.test/2", Host: "a.test", Outcome: crawler.OutcomeGone},
		tail.Row{URL: "http://b.test/3", Host: "b.test", Outcome: crawler.OutcomeFailed})
	var report pagesReport
	if err := json.Unmarshal([]byte(next("pages").data), &report); err != nil || len(report.Pages) != 1 ||
		report.Pages[0].URL != "http://a.test/2" {
		t.Errorf("recent pages: %+v, %v", report, err)
	}
	s.fail(errors.New("it broke"))
	if e := next("problem"); !contains(e.data, "it broke") {
		t.Errorf("the problem is %q", e.data)
	}
	s.fail(nil)
	next("job")
	if err := s.Remove(t.Context(), "news"); err != nil {
		t.Fatal(err)
	}
	next("") // the stream ends
}

func TestAStreamThatCannotBeginSaysWhy(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/api/v1/jobs/nothing/events").wantError(t, http.StatusNotFound, "nothing")
	s.get(t, "/api/v1/jobs/news/events?outcome=lost").wantError(t, http.StatusBadRequest, `"lost" is not an outcome`)
	s.get(t, "/api/v1/jobs/news/events?pages=1").wantError(t, http.StatusBadRequest, "neither true nor false")
	s.get(t, "/jobs/news/live?page=x").wantError(t, http.StatusBadRequest, "unknown parameter")
	if a := s.ask(t, http.MethodHead, "/api/v1/jobs/news/events", nil); a.status != http.StatusOK {
		t.Errorf("HEAD has status %d", a.status)
	}
	s.live.mu.Lock()
	s.live.clients = mostLive
	s.live.mu.Unlock()
	s.get(t, "/api/v1/jobs/news/events").wantError(t, http.StatusTooManyRequests, "too many clients")
}

// feedsOf returns how many jobs are polled.
func (s *testDashboard) feedsOf() int {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	return len(s.live.feeds)
}

func TestAJobIsPolledOnceHoweverManyWatchItAndNotAfterwards(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	first, closeFirst := s.listen(t, "/jobs/news/live?pages=false")
	first("figures")
	if tailed := s.fakeFleet.jobs["news"].tailed; tailed > 0 {
		t.Errorf("recent pages were read %d times, which no one wants", tailed)
	}
	var closes []func()
	for range 9 {
		next, close := s.listen(t, "/jobs/news/live")
		next("figures")
		closes = append(closes, close)
	}
	if n := s.feedsOf(); n != 1 {
		t.Errorf("%d pollers run, want one", n)
	}
	closeFirst()
	for _, close := range closes {
		close()
	}
	for s.feedsOf() > 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	s.live.pollers.Wait()
}

func TestStreamsEndWhenTheServerShutsDown(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	next, _ := s.listen(t, "/api/v1/jobs/news/events")
	next("job")
	if err := s.server.Shutdown(t.Context()); err != nil {
		t.Errorf("the server does not shut down: %v", err)
	}
	next("")
}

func TestRecentPagesAreListedWithoutScript(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/jobs/news/pages").want(t, http.StatusOK, `<tbody role="rowgroup" id="tail" data-live></tbody>`)
	for i := range shownPages + 5 {
		s.recent("news", tail.Row{URL: fmt.Sprintf("http://a.test/%03d", i), Host: "a.test", Outcome: crawler.OutcomeFetched,
			Status: 200, DurationMS: 31, Bytes: 1234, Worker: "w1", At: time.Unix(1_800_000_000, 0).UTC()})
	}
	s.recent("news", tail.Row{URL: "http://b.test/<script>alert(1)</script>", Host: "b.test", Reason: "<script>alert(1)",
		Outcome: crawler.OutcomeFailed})
	a := s.get(t, "/jobs/news/pages")
	a.want(t, http.StatusOK, "http://a.test/104", "31 ms", "1.2 kB", `<span class="state go" data-cell="outcome">fetched`,
		`href="/jobs/news/url?u=http%3A%2F%2Fa.test%2F104"`)
	a.wantNoMarkup(t)
	if contains(a.body, "http://a.test/005<") || !contains(a.body, "http://a.test/006<") {
		t.Error("the page does not have the last hundred pages")
	}
	a = s.get(t, "/jobs/news/pages?outcome=failed&host=B.te&text=alert")
	a.want(t, http.StatusOK, "<option selected>failed</option>", `value="B.te"`)
	if contains(a.body, "http://a.test/") {
		t.Error("the filter does not apply")
	}
	s.get(t, "/jobs/news/pages?outcome=x").want(t, http.StatusBadRequest, "Nothing was changed")
}

func TestPagesUpdateInPlace(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newTestDashboard(t)
	s.busyJob(t, "news")
	b.Open(s.url+"/jobs/news", `[data-figure="Fetched"]`)
	testbrowser.Ask[bool](b, `(window.same = true)`)
	s.change("news", func(r *fakeJob) { r.counters.Outcomes[crawler.OutcomeFetched] = 777 })
	b.Until(`document.querySelector('[data-figure="Fetched"]')?.textContent === "777"`)
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StatePaused })
	b.Wait("#do-resume")
	if !testbrowser.Ask[bool](b, `window.same === true`) {
		t.Error("the page was loaded again")
	}
	b.Open(s.url+"/jobs/news/pages", "#tail-text")
	s.recent("news", tail.Row{URL: "http://a.test/<img src=x onerror=alert(1)>", Host: "a.test", Status: 200,
		Outcome: crawler.OutcomeFetched, Bytes: 1234, At: time.Now().UTC()})
	b.Wait(`#tail a[href^="/jobs/news/url?u=http"]`)
	b.Sound()
	b.Calm(s.url)
}
