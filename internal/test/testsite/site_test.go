package testsite_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

var small = testsite.Static(fstest.MapFS{
	"index.html": {Data: []byte("home")},
	"other.html": {Data: []byte("other")},
})

// get sends a GET without following redirects, and returns the response with its body.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Bream/1.0")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, _ := get(t, url)
	return resp.StatusCode
}

func TestEachHandlerHasItsOwnHost(t *testing.T) {
	t.Parallel()
	respond := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	s := testsite.Serve(t, respond("first"), respond("second"))
	for i, want := range []string{"first", "second"} {
		if _, got := get(t, s.URL(i, "/")); got != want {
			t.Errorf("host %d responds %q, want %q", i, got, want)
		}
	}
}

func TestTheLogContainsEveryRequest(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small, small)
	get(t, s.URL(0, "/index.html"))
	get(t, s.URL(1, "/gone?a=b%20c"))
	if err := s.Until(t.Context(), ended(2)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []testsite.Request{
		{Host: s.Hosts()[0], Method: "GET", Path: "/index.html", UserAgent: "Bream/1.0", InFlight: 1, Status: 200},
		{Host: s.Hosts()[1], Method: "GET", Path: "/gone?a=b%20c", UserAgent: "Bream/1.0", InFlight: 1, Status: 404},
	} {
		got := s.Requests()[i]
		if !got.End.After(got.Start) {
			t.Errorf("request %d ended at %v, want after its start at %v", i, got.End, got.Start)
		}
		if got.Arrived.After(got.Start) || got.Start.Sub(got.Arrived) > time.Minute {
			t.Errorf("request %d arrived at %v, want that shortly before its start at %v", i, got.Arrived, got.Start)
		}
		if got != s.Last(got.Host) {
			t.Errorf("the last request to %s is %+v, want %+v", got.Host, s.Last(got.Host), got)
		}
		if got.Start, got.Arrived, got.End = want.Start, want.Arrived, want.End; got != want {
			t.Errorf("request %d is\n%+v, want\n%+v", i, got, want)
		}
	}
	if n := s.Len(); n != 2 {
		t.Errorf("there were %d requests, want 2", n)
	}
	if n := s.Count("/gone?a=b%20c"); n != 1 {
		t.Errorf("the missing path was requested %d times, want 1", n)
	}
}

// ended is the condition that n requests have ended. A client may have its response
// before the site has logged the end.
func ended(n int) func(*testsite.Log) bool {
	return func(l *testsite.Log) bool {
		for _, r := range l.Requests() {
			if !r.End.IsZero() {
				n--
			}
		}
		return n <= 0
	}
}

func TestTheSmallestGapIsBetweenStarts(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small)
	host := s.Hosts()[0]
	get(t, s.URL(0, "/"))
	if got := s.SmallestGap(host); got != math.MaxInt64 {
		t.Errorf("the gap with one request is %v, want the longest duration", got)
	}
	get(t, s.URL(0, "/robots.txt"))
	get(t, s.URL(0, "/other.html"))
	r := s.Requests()
	if got, want := s.SmallestGap(host, "/robots.txt"), r[2].Start.Sub(r[0].Start); got != want {
		t.Errorf("without robots.txt the gap is %v, want %v", got, want)
	}
	if got, want := s.SmallestGap(host), min(r[1].Start.Sub(r[0].Start), r[2].Start.Sub(r[1].Start)); got != want {
		t.Errorf("the gap is %v, want %v", got, want)
	}
}

func TestAPathHangsUntilItIsReleased(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small)
	reached, release := s.Hang("/index.html")
	var requests sync.WaitGroup
	for range 3 {
		requests.Go(func() {
			resp, err := http.Get(s.URL(0, "/index.html"))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 {
				t.Errorf("after its release the path responds with %d, want 200", resp.StatusCode)
			}
		})
	}
	<-reached
	three := func(l *testsite.Log) bool { return l.Count("/index.html") == 3 }
	if err := s.Until(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	if got := status(t, s.URL(0, "/other.html")); got != 200 {
		t.Errorf("another path responds with %d, want 200", got)
	}
	release()
	requests.Wait()
	if got := s.MaxConcurrent(s.Hosts()[0]); got != 4 {
		t.Errorf("at most %d requests were in flight, want 4", got)
	}
}

func TestTheEndOfATestReleasesHangingPaths(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var requests sync.WaitGroup
	defer requests.Wait()
	t.Run("a hanging path", func(t *testing.T) {
		s := testsite.Serve(t, small)
		reached, _ := s.Hang("/")
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL(0, "/"), nil)
		if err != nil {
			t.Fatal(err)
		}
		requests.Go(func() {
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		})
		<-reached
	})
}

func TestAPathFailsTheRequestedNumberOfTimes(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small)
	s.Fail("/index.html", 503, 429)
	for i, want := range []int{503, 429, 200, 200} {
		if got := status(t, s.URL(0, "/index.html")); got != want {
			t.Errorf("response %d has status %d, want %d", i, got, want)
		}
	}
}

func TestAHookMayApplyToOneHost(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small, small)
	s.Fail(s.Hosts()[1]+"/index.html", 500)
	for i, want := range []int{200, 500} {
		if got := status(t, s.URL(i, "/index.html")); got != want {
			t.Errorf("host %d responds with %d, want %d", i, got, want)
		}
	}
}

func TestADelayedPathRespondsLater(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small)
	const late = 20 * time.Millisecond
	s.Delay("/index.html", late)
	get(t, s.URL(0, "/index.html"))
	if err := s.Until(t.Context(), ended(1)); err != nil {
		t.Fatal(err)
	}
	if r := s.Requests()[0]; r.Status != 200 || r.End.Sub(r.Start) < late {
		t.Errorf("the response was %d after %v, want 200 after at least %v", r.Status, r.End.Sub(r.Start), late)
	}
}

func TestEveryHostServesTheRobotsTxtOfTheSite(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small, small)
	s.Robots("User-agent: *\nDisallow: /other.html\n")
	for i := range s.Hosts() {
		resp, text := get(t, s.URL(i, "/robots.txt"))
		if text != "User-agent: *\nDisallow: /other.html\n" ||
			resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("robots.txt of host %d is %q, %q", i, text, resp.Header.Get("Content-Type"))
		}
	}
}

func TestUntilReturnsTheErrorOfItsContext(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, small)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Until(ctx, ended(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
}
