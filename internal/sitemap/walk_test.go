package sitemap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// fakeServer has sitemaps by their paths at example.com. "-> /path" is a redirect.
type fakeServer struct {
	maps           map[string]string
	opened, closed []string
}

func (s *fakeServer) open(_ context.Context, u crawler.URL) (Source, error) {
	s.opened = append(s.opened, u.Path())
	body, ok := s.maps[u.Path()]
	if !ok {
		return Source{}, errors.New("the server answered 404")
	}
	if to, redirected := strings.CutPrefix(body, "-> "); redirected {
		u = mustParse("https://example.com" + to)
		body = s.maps[to]
	}
	return Source{Body: closeRecorder{strings.NewReader(body), s, u.Path()}, At: u}, nil
}

type closeRecorder struct {
	io.Reader
	server *fakeServer
	path   string
}

func (c closeRecorder) Close() error {
	c.server.closed = append(c.server.closed, c.path)
	return nil
}

// walk walks the sitemaps of the server, and returns the pages and the errors.
func (s *fakeServer) walk(ctx context.Context, cfg WalkConfig, from ...string) (pages, errs []string) {
	var roots []crawler.URL
	for _, path := range from {
		roots = append(roots, mustParse("https://example.com"+path))
	}
	for l, err := range Walk(ctx, roots, s.open, cfg) {
		if err != nil {
			errs = append(errs, strings.TrimPrefix(err.Error(), "https://example.com"))
			continue
		}
		pages = append(pages, l.URL.Path())
	}
	return pages, errs
}

func index(paths ...string) string {
	return "<sitemapindex><sitemap><loc>" + strings.Join(paths, "</loc></sitemap><sitemap><loc>") +
		"</loc></sitemap></sitemapindex>"
}

func pages(paths ...string) string {
	return "<urlset><url><loc>" + strings.Join(paths, "</loc></url><url><loc>") + "</loc></url></urlset>"
}

func TestIndexesAreFollowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		maps     map[string]string
		cfg      WalkConfig
		pages    []string
		troubles []string
	}{
		{"an index", map[string]string{"/": index("/1", "/2"), "/1": pages("/a", "/b"), "/2": pages("/b")},
			WalkConfig{}, []string{"/a", "/b", "/b"}, nil},
		{"an index that lists itself", map[string]string{"/": index("/", "/1"), "/1": pages("/a")}, WalkConfig{},
			[]string{"/a"}, nil},
		{"indexes that list each other", map[string]string{"/": index("/1"), "/1": index("/")}, WalkConfig{}, nil, nil},
		{"a redirect in a circle", map[string]string{"/": index("/1", "/2"), "/1": "-> /", "/2": pages("/a")},
			WalkConfig{}, []string{"/a"}, nil},
		{"a redirect to another sitemap", map[string]string{"/": index("/1", "/2"), "/1": "-> /2", "/2": pages("/a")},
			WalkConfig{}, []string{"/a"}, nil},
		{"a missing sitemap", map[string]string{"/": index("/1", "/2"), "/2": pages("/a")}, WalkConfig{},
			[]string{"/a"}, []string{"/1: the server answered 404"}},
		{"a sitemap that is cut off", map[string]string{"/": index("/1", "/2"),
			"/1": strings.TrimSuffix(pages("/a"), "</urlset>"), "/2": pages("/b")}, WalkConfig{},
			[]string{"/a", "/b"}, []string{"/1: it ends before </urlset>"}},
		{"a location that is not a URL", map[string]string{"/": pages("http://", "/a")}, WalkConfig{},
			[]string{"/a"}, []string{`"http://" is not a URL: The input has a special scheme, but does not contain a host`}},
		{"indexes in indexes", map[string]string{"/": index("/1"), "/1": index("/2"), "/2": pages("/a")}, WalkConfig{},
			[]string{"/a"}, nil},
		{"one level too many", map[string]string{"/": index("/1"), "/1": index("/2", "/3"), "/2": pages("/a")},
			WalkConfig{Levels: 2},
			nil, []string{"/1: it is larger than a sitemap may be: its sitemaps would be 3 levels deep, at most 2 are followed"}},
		{"too many sitemaps", map[string]string{"/": index("/1", "/2", "/3"), "/1": pages("/a")},
			WalkConfig{MaxSitemaps: 2},
			[]string{"/a"}, []string{"/: it is larger than a sitemap may be: more than 2 sitemaps are listed"}},
		{"too many pages", map[string]string{"/": pages("/a", "/b")}, WalkConfig{MaxURLs: 1},
			[]string{"/a"}, []string{"/: it is larger than a sitemap may be: more than 1 URLs"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &fakeServer{maps: c.maps}
			pages, errs := s.walk(t.Context(), c.cfg, "/")
			if !slices.Equal(pages, c.pages) || !slices.Equal(errs, c.troubles) {
				t.Errorf("pages %q and errors %q, want %q and %q", pages, errs, c.pages, c.troubles)
			}
			slices.Sort(s.opened)
			if len(slices.Compact(slices.Clone(s.opened))) != len(s.opened) {
				t.Errorf("a sitemap is opened twice: %q", s.opened)
			}
			if len(s.closed) != len(s.opened)-strings.Count(fmt.Sprint(errs), "404") {
				t.Errorf("opened %q, but closed %q", s.opened, s.closed)
			}
		})
	}
}

func TestAWalkEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := &fakeServer{maps: map[string]string{"/": pages("/a", "/b"), "/1": pages("/c")}}
	var got []string
	for l, err := range Walk(ctx, []crawler.URL{mustParse("https://example.com/"), mustParse("https://example.com/1")},
		s.open, WalkConfig{}) {
		got = append(got, fmt.Sprint(l.URL.String(), err))
		cancel()
	}
	if want := []string{"https://example.com/a<nil>", context.Canceled.Error()}; !slices.Equal(got, want) ||
		len(s.closed) != 1 {
		t.Errorf("the walk yields %q and closes %q, want %q", got, s.closed, want)
	}
}
