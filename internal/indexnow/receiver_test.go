package indexnow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

const key = "1a2b-3C4D5e6f"

// web is what hosts have at their URLs, and what jobs were told.
type web struct {
	mu      sync.Mutex
	now     time.Time
	files   map[string]string // bodies by URL; "!404" for a status, "?" for no response
	fetched []string
	told    []string
	broken  error // returned by Changed
}

// serve returns a receiver of job news, whose scope is the host example.com.
func serve(t *testing.T, w *web) http.Handler {
	t.Helper()
	w.now = time.Unix(1_700_000_000, 0)
	mux := http.NewServeMux()
	mux.Handle("/indexnow/{job}", New(Config{
		Covers: func(_ context.Context, job string, h crawler.Host) (bool, error) {
			return job == "news" && h == "example.com", nil
		},
		Fetch: func(_ context.Context, u crawler.URL) (int, []byte, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.fetched = append(w.fetched, u.String())
			body, ok := w.files[u.String()]
			switch {
			case !ok:
				return http.StatusNotFound, nil, nil
			case body == "?":
				return 0, nil, errors.New("connection refused")
			}
			return http.StatusOK, []byte(body), nil
		},
		Changed: func(_ context.Context, job string, urls []crawler.URL) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, u := range urls {
				w.told = append(w.told, job+" "+u.String())
			}
			return w.broken
		},
		Now: func() time.Time { return w.now },
	}))
	return mux
}

// send sends a submission: a body by POST, or a query by GET.
func send(h http.Handler, query, body string) *httptest.ResponseRecorder {
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/indexnow/news"+query, strings.NewReader(body)))
	return w
}

func TestASiteWithItsKeySaysWhatHasChanged(t *testing.T) {
	t.Parallel()
	w := &web{files: map[string]string{
		"http://example.com/" + key + ".txt": "\ufeff" + key + "\r\n", "http://example.com/shop/key.txt": key,
	}}
	h := serve(t, w)
	for _, c := range []struct{ query, body string }{
		{"?url=http://example.com/a&key=" + key, ""},
		{"", `{"host":"Example.com","key":"` + key + `","urlList":["http://example.com/b","http://example.com/c?d"]}`},
		{"", `{"host":"example.com","key":"` + key + `","keyLocation":"http://example.com/shop/key.txt","urlList":["http://example.com/shop/1"]}`},
	} {
		if got := send(h, c.query, c.body); got.Code != http.StatusOK {
			t.Errorf("%s%s: %d %s", c.query, c.body, got.Code, got.Body)
		}
	}
	want := []string{"news http://example.com/a", "news http://example.com/b", "news http://example.com/c?d",
		"news http://example.com/shop/1"}
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	want = []string{"http://example.com/" + key + ".txt", "http://example.com/shop/key.txt"}
	if !slices.Equal(w.fetched, want) {
		t.Errorf("fetched %q, want %q: a key that was right is remembered", w.fetched, want)
	}
}

func TestSubmissionsThatAreNotThoseOfTheSiteAreRefused(t *testing.T) {
	t.Parallel()
	post := func(fields string) string { return `{"host":"example.com","key":"` + key + `",` + fields + `}` }
	many := `"urlList":["http://example.com/"` + strings.Repeat(`,"http://example.com/"`, maxURLs) + `]`
	for name, c := range map[string]struct {
		query, body string
		status      int
		says        string
	}{
		"no URL":                     {"?key=" + key, "", 400, "want one url"},
		"two URLs by GET":            {"?url=http://example.com/&url=http://example.com/a&key=" + key, "", 400, "and not 2"},
		"no key":                     {"?url=http://example.com/", "", 400, "is not a key"},
		"a key that leads elsewhere": {"?url=http://example.com/&key=../../secret", "", 400, "is not a key"},
		"a body that is not JSON":    {"", "urlList=1", 400, "not a submission"},
		"no list":                    {"", post(`"urlList":[]`), 400, "is empty"},
		"too many":                   {"", post(many), 413, "at most 10000"},
		"a body that is too large": {"", post(`"urlList":["http://example.com/` + strings.Repeat("a", maxBody) + `"]`), 413,
			"more than"},
		"what is not a URL":    {"", post(`"urlList":["ftp://example.com/"]`), 422, "ftp"},
		"URLs of two hosts":    {"", post(`"urlList":["http://example.com/","http://example.org/"]`), 422, "one host"},
		"URLs of another host": {"", post(`"urlList":["http://example.org/"]`), 422, `not of "example.com"`},
		"a host out of scope":  {"?url=http://example.org/&key=" + key, "", 422, "not in the scope"},
		"a key file elsewhere": {"", post(`"keyLocation":"http://example.org/k.txt","urlList":["http://example.com/"]`), 422,
			"keyLocation"},
		"URLs outside its folder": {"", post(`"keyLocation":"http://example.com/shop/k.txt","urlList":["http://example.com/shopping"]`), 422,
			`not in "/shop/"`},
		"a key that is not there": {"?url=http://example.com/&key=another-key", "", 403, "status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := new(web)
			got := send(serve(t, w), c.query, c.body)
			text := strings.ReplaceAll(got.Body.String(), `\"`, `"`)
			if got.Code != c.status || !strings.Contains(text, c.says) {
				t.Errorf("got %d %s, want %d that says %q", got.Code, got.Body, c.status, c.says)
			}
			if len(w.told) > 0 || len(w.fetched) > 0 && c.status != 403 {
				t.Errorf("the job was told %q, and %q fetched", w.told, w.fetched)
			}
		})
	}
}

func TestAFloodOfWrongKeysMakesFewRequestsAndKeepsNoOneOut(t *testing.T) {
	t.Parallel()
	file := "http://example.com/" + key + ".txt"
	w := &web{files: map[string]string{file: key}}
	h := serve(t, w)
	right := func() int { return send(h, "?url=http://example.com/&key="+key, "").Code }
	if got := right(); got != http.StatusOK {
		t.Fatalf("the right key gets %d", got)
	}
	w.now = w.now.Add(2 * time.Hour) // it has to be looked up again
	refused := 0
	for i := range 1000 {
		got := send(h, fmt.Sprintf("?url=http://example.com/&key=wrong-key-%d", i), "")
		if got.Code == http.StatusTooManyRequests && got.Header().Get("Retry-After") != "" {
			refused++
		}
	}
	if len(w.fetched) != 2 || refused != 999 {
		t.Errorf("1000 wrong keys make %d requests, and %d were refused at once", len(w.fetched)-1, refused)
	}
	if got := right(); got != http.StatusOK {
		t.Errorf("after the flood, the right key gets %d", got)
	}
	w.files[file] = "someone-else"
	w.now = w.now.Add(2 * time.Hour)
	if got := right(); got != http.StatusForbidden {
		t.Errorf("a key that was withdrawn gets %d", got)
	}
}

func TestKeysAreLookedUpAtABoundedRateOverAllHosts(t *testing.T) {
	t.Parallel()
	fetched, now := 0, time.Unix(1_700_000_000, 0)
	r := New(Config{
		Covers:  func(context.Context, string, crawler.Host) (bool, error) { return true, nil },
		Fetch:   func(context.Context, crawler.URL) (int, []byte, error) { fetched++; return 200, []byte(key), nil },
		Changed: func(context.Context, string, []crawler.URL) error { return nil },
		Now:     func() time.Time { return now }, Fetches: 5,
	})
	mux := http.NewServeMux()
	mux.Handle("/indexnow/{job}", r)
	for i := range 100 {
		send(mux, fmt.Sprintf("?url=http://h%d.example/&key=%s", i, key), "")
	}
	if fetched != 20 {
		t.Errorf("%d keys are looked up at once, want 20", fetched)
	}
	now = now.Add(2 * time.Second)
	for i := range 100 {
		send(mux, fmt.Sprintf("?url=http://i%d.example/&key=%s", i, key), "")
	}
	if fetched != 30 {
		t.Errorf("%d keys are looked up after two more seconds, want 30", fetched)
	}
}

func TestTheFleetsTroubleIsNotTold(t *testing.T) {
	t.Parallel()
	w := &web{files: map[string]string{"http://example.com/" + key + ".txt": key},
		broken: errors.New("redis at 10.0.0.1 is away")}
	got := send(serve(t, w), "?url=http://example.com/&key="+key, "")
	if got.Code != http.StatusServiceUnavailable || strings.Contains(got.Body.String(), "10.0.0.1") {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
}
