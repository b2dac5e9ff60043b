package fetch

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// roundTripper is a function that is a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wrap returns a transport that passes requests, and the transport below, to a function.
func wrap(do func(r *http.Request, below http.RoundTripper) (*http.Response, error)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) { return do(r, Below{}) })
}

// literal returns a response as a literal.
func literal(status int, header http.Header, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestAWrapperAddsAHeaderAndRecords(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("X-Trace")) })
	var mu sync.Mutex
	var seen []string
	f := newFetcher(t, Config{Transport: wrap(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		again := r.Clone(r.Context())
		again.Header.Set("X-Trace", "on")
		resp, err := below.RoundTrip(again)
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprint(r.URL.Host, " ", resp.StatusCode))
		return resp, err
	})})
	for _, recorded := range []bool{false, true} {
		req := request(t, server.URL+"/a")
		req.Record = recorded
		page := get(t, f, req)
		wantNoFault(t, page)
		if got := string(content(t, page)); got != "on" || !page.Address.IsValid() {
			t.Errorf("the server received %q, at %s", got, page.Address)
		}
		if recorded && !strings.Contains(string(page.Recording.Request), "X-Trace: on\r\n") {
			t.Errorf("the recording lacks what was sent:\n%s", page.Recording.Request)
		}
	}
	at := strings.TrimPrefix(server.URL, "http://") + " 200"
	if !slices.Equal(seen, []string{at, at}) {
		t.Errorf("the wrapper saw %q", seen)
	}
}

func TestTheGuardRefusesUnderAWrapper(t *testing.T) {
	t.Parallel()
	asked := 0
	server := serve(t, func(http.ResponseWriter, *http.Request) { asked++ })
	elsewhere := parse(t, server.URL).Host()
	transport := wrap(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		again := r.Clone(r.Context())
		again.URL.Host, again.Host = string(elsewhere), string(elsewhere) // whatever was asked for
		return below.RoundTrip(again)
	})
	f, err := New(Config{TempDir: t.TempDir(), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for _, url := range []string{server.URL, "http://192.0.2.1/"} {
		page := get(t, f, request(t, url))
		if page.Fault == nil || page.Fault.Kind != fetched.FaultBlocked {
			t.Errorf("%s: the fault is %s, want a refusal", url, faultText(page))
		}
	}
	lent := f.Lend(queue.Opened{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(lent.Close)
	req := request(t, server.URL)
	req.PortOpen = true
	wantNoFault(t, get(t, lent, req)) // the wrapper's request goes through the guard of its own fetcher
	if page := get(t, f, req); page.Fault == nil || asked != 1 {
		t.Errorf("the server was asked %d times, want once, by the job that may", asked)
	}
}

func TestAWrapperAnswersItself(t *testing.T) {
	t.Parallel()
	const text = "<title>made up</title>"
	transport := wrap(func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		switch r.URL.Path + r.URL.Opaque {
		case "/moved":
			return literal(301, http.Header{"Location": {"/there"}}, ""), nil
		case "/empty":
			return &http.Response{StatusCode: 204}, nil
		case "/gzip":
			var body strings.Builder
			w := gzip.NewWriter(&body)
			io.WriteString(w, text)
			w.Close()
			return literal(200, http.Header{"Content-Encoding": {"gzip"}}, body.String()), nil
		}
		return literal(200, http.Header{"Content-Type": {"text/html"}}, text), nil
	})
	f, err := New(Config{TempDir: t.TempDir(), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for path, want := range map[string]string{"/": text, "/gzip": text, "/empty": "", "/moved": ""} {
		for _, recorded := range []bool{false, true} {
			req := request(t, "http://shop.example"+path)
			req.Record = recorded
			page := get(t, f, req)
			wantNoFault(t, page)
			if path == "/moved" {
				if got := page.Location.String(); got != "http://shop.example/there" {
					t.Errorf("%s leads to %s", path, got)
				}
			} else if got := string(content(t, page)); got != want {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
			if !recorded {
				continue
			}
			r := page.Recording
			if !strings.HasPrefix(string(r.Request), "GET "+path+" HTTP/1.1\r\nHost: shop.example\r\n") ||
				!strings.HasPrefix(string(r.Head), "HTTP/1.1 ") || !strings.HasSuffix(string(r.Head), "\r\n\r\n") {
				t.Errorf("%s: recorded as\n%s%s", path, r.Request, r.Head)
			}
			if tail, err := io.ReadAll(r.Tail.Reader()); path == "/" && (err != nil || string(tail) != text) {
				t.Errorf("recorded the body %q (%v)", tail, err)
			}
		}
	}
}

func TestWhatAWrapperReturnsWrongIsAFault(t *testing.T) {
	t.Parallel()
	log := testfleet.NewTranscript()
	for name, c := range map[string]struct {
		do     func(r *http.Request, below http.RoundTripper) (*http.Response, error)
		passes bool
		says   string
	}{
		"an error": {func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, errors.New("the quota is spent")
		}, true, "the program's transport: the quota is spent"},
		"an error that wraps SkipRetry": {func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return nil, fmt.Errorf("not here: %w", queue.ErrNoRetry)
		}, false, "the program's transport: not here"},
		"nothing": {func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, nil }, false,
			"neither a response nor an error"},
		"no status": {func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{}, nil
		}, false, "the status 0: want 100 to 999"},
		"a panic": {func(*http.Request, http.RoundTripper) (*http.Response, error) { panic("oh no") }, false,
			"it panicked: oh no"},
		"a request without the context": {func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
			fresh, err := http.NewRequest(r.Method, "http://shop.example/", http.NoBody)
			if err != nil {
				return nil, err
			}
			return below.RoundTrip(fresh)
		}, true, "Request.WithContext"},
		"a body that panics": {func(*http.Request, http.RoundTripper) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(panicking{})}, nil
		}, false, "it panicked: a body"},
	} {
		f, err := New(Config{TempDir: t.TempDir(), Log: slog.New(slog.NewTextHandler(log, nil)), Transport: wrap(c.do)})
		if err != nil {
			t.Fatal(err)
		}
		page := get(t, f, request(t, "http://shop.example/"))
		if page.Fault == nil || page.Fault.Kind != fetched.FaultProtocol || page.Fault.Passes != c.passes ||
			!strings.Contains(page.Fault.Text, c.says) {
			t.Errorf("%s: the fault is %s (%+v), want %q", name, faultText(page), page.Fault, c.says)
		}
		f.Close()
	}
	if !strings.Contains(log.Text(), "TestWhatAWrapperReturnsWrongIsAFault") {
		t.Errorf("the log lacks the stack of a panic:\n%s", log.Text())
	}
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("a body") }

func TestAnErrorFromBelowAWrapperIsTheFaultThatItWas(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{Transport: wrap(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		resp, err := below.RoundTrip(r)
		if err != nil {
			err = fmt.Errorf("for the record: %w", err)
		}
		return resp, err
	})})
	wantFault(t, get(t, f, request(t, "http://127.0.0.1:1/")), fetched.FaultConnect, true)
	wantFault(t, get(t, f, request(t, "https://"+strings.TrimPrefix(serve(t, nil).URL, "http://"))), fetched.FaultTLS,
		false)
}

func TestARecordingHasWhatCameOverTheConnection(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush() // so that the body is chunked
		fmt.Fprint(w, "as it came")
	})
	f := newFetcher(t, Config{Transport: wrap(func(r *http.Request, below http.RoundTripper) (*http.Response, error) {
		resp, err := below.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		return literal(200, http.Header{}, "changed"), err
	})})
	req := request(t, server.URL)
	req.Record = true
	page := get(t, f, req)
	wantNoFault(t, page)
	tail, err := io.ReadAll(page.Recording.Tail.Reader())
	if got := string(content(t, page)); got != "changed" || !page.Recording.Chunked ||
		!strings.Contains(string(tail), "as it came") || err != nil {
		t.Errorf("the page has %q, the recording %q (%v)", got, tail, err)
	}
}
