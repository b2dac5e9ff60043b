package robots

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// fakeWeb responds for all sites from pages by URL, and logs the requests.
type fakeWeb struct {
	mu       sync.Mutex
	pages    map[string]fetched.Page // any other URL gets a 404
	requests []string
	open     int // number of pages that were not released
}

func newFakeWeb(pages map[string]fetched.Page) *fakeWeb { return &fakeWeb{pages: pages} }

func (s *fakeWeb) get(_ context.Context, u crawler.URL) (*fetched.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, u.String())
	page, ok := s.pages[u.String()]
	if !ok {
		page = status(404)
	}
	page.URL = u
	body := fetched.Body{}
	if page.Body != nil {
		body = *page.Body
	}
	s.open++
	body.Release = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}
	page.Body = &body
	return &page, nil
}

func (s *fakeWeb) answer(url string, page fetched.Page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[url] = page
}

// wantRequests checks the log, and that every page was released.
func (s *fakeWeb) wantRequests(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.requests, want) {
		t.Errorf("requested %q, want %q", s.requests, want)
	}
	if s.open != 0 {
		t.Errorf("%d pages were not released", s.open)
	}
}

func status(code int) fetched.Page { return fetched.Page{Status: code} }

func file(text string) fetched.Page {
	return fetched.Page{Status: 200, Body: &fetched.Body{Head: []byte(text), Size: int64(len(text))}}
}

func redirect(t *testing.T, to string) fetched.Page {
	t.Helper()
	u, err := crawler.ParseURL(to)
	if err != nil {
		t.Fatal(err)
	}
	return fetched.Page{Status: 302, Location: u}
}

func fault(kind fetched.FaultKind, text string, passes bool) fetched.Page {
	return fetched.Page{Fault: &fetched.Fault{Kind: kind, Text: text, Passes: passes}}
}

// clock is a clock that tests advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memoryCache is a Cache in memory.
type memoryCache struct {
	clock  *clock
	mu     sync.Mutex
	values map[string]cachedValue
	err    error // the error of Get and Put
}

type cachedValue struct {
	value []byte
	until time.Time
}

func newMemoryCache(c *clock) *memoryCache {
	return &memoryCache{clock: c, values: map[string]cachedValue{}}
}

func (s *memoryCache) Get(_ context.Context, origin string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found := s.values[origin]
	if !found || !s.clock.Now().Before(v.until) {
		return nil, false, s.err
	}
	return v.value, true, s.err
}

func (s *memoryCache) Put(_ context.Context, origin string, value []byte, textAt int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if textAt < 0 || textAt > len(value) {
		return errors.New("the text is not in the value")
	}
	if s.err == nil {
		s.values[origin] = cachedValue{value, s.clock.Now().Add(48 * time.Hour)}
	}
	return s.err
}
