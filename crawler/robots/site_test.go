package robots

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// site answers for the whole web, from pages by URL, and keeps a log of what
// was asked for.
type site struct {
	mu    sync.Mutex
	pages map[string]crawler.Page // whatever is not there answers 404
	asked []string
	open  int // pages that were not released
}

func newSite(pages map[string]crawler.Page) *site { return &site{pages: pages} }

func (s *site) get(_ context.Context, u crawler.URL) (*crawler.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, u.String())
	page, ok := s.pages[u.String()]
	if !ok {
		page = status(404)
	}
	page.URL = u
	body := crawler.Body{}
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

func (s *site) answer(url string, page crawler.Page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[url] = page
}

// wasAsked checks the log, and that every page was released.
func (s *site) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.asked, want) {
		t.Errorf("asked for %q, want %q", s.asked, want)
	}
	if s.open != 0 {
		t.Errorf("%d pages were not released", s.open)
	}
}

func status(code int) crawler.Page { return crawler.Page{Status: code} }

func file(text string) crawler.Page {
	return crawler.Page{Status: 200, Body: &crawler.Body{Head: []byte(text), Size: int64(len(text))}}
}

func redirect(t *testing.T, to string) crawler.Page {
	t.Helper()
	u, err := crawler.ParseURL(to)
	if err != nil {
		t.Fatal(err)
	}
	return crawler.Page{Status: 302, Location: u}
}

func fault(kind crawler.FaultKind, text string, passes bool) crawler.Page {
	return crawler.Page{Fault: &crawler.Fault{Kind: kind, Text: text, Passes: passes}}
}

// clock is a time that tests move.
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

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shelf is a Cache in memory.
type shelf struct {
	clock  *clock
	mu     sync.Mutex
	values map[string]shelved
	broken error // what Get and Put fail with
}

type shelved struct {
	value []byte
	until time.Time
}

func newShelf(c *clock) *shelf { return &shelf{clock: c, values: map[string]shelved{}} }

func (s *shelf) Get(_ context.Context, origin string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, found := s.values[origin]
	if !found || !s.clock.Now().Before(v.until) {
		return nil, false, s.broken
	}
	return v.value, true, s.broken
}

func (s *shelf) Put(_ context.Context, origin string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ttl <= 0 {
		return errors.New("a value that does not last")
	}
	if s.broken == nil {
		s.values[origin] = shelved{value, s.clock.Now().Add(ttl)}
	}
	return s.broken
}
