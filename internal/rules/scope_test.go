package rules

import (
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheScopeOfAJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job   crawler.ScopeSettings
		seeds []crawler.Host
		in    []string
		out   map[string]string // with the reason
	}{
		"the hosts of the seeds, with or without www": {
			job:   crawler.ScopeSettings{Scope: crawler.ScopeHost, Depth: -1},
			seeds: []crawler.Host{"example.com", "www.example.org", "a.test:81"},
			in: []string{"http://example.com/", "https://www.example.com/", "http://example.org/",
				"https://a.test:81/"},
			out: map[string]string{
				"http://blog.example.com/": "outside of scope host",
				"http://example.com:81/":   "outside of scope host",
				"http://a.test/":           "outside of scope host",
				"http://notexample.com/":   "outside of scope host",
			},
		},
		"the registrable domains of the seeds": {
			job:   crawler.ScopeSettings{Scope: crawler.ScopeDomain, Depth: -1},
			seeds: []crawler.Host{"www.example.co.uk", "127.0.0.1:81"},
			in:    []string{"http://example.co.uk/", "https://a.b.example.co.uk:8443/", "http://127.0.0.1:82/"},
			out: map[string]string{
				"http://other.co.uk/": "outside of scope domain",
				"http://127.0.0.2/":   "outside of scope domain",
				"http://co.uk/":       "outside of scope domain",
			},
		},
		"anywhere": {
			job: crawler.ScopeSettings{Scope: crawler.ScopeAny, Depth: -1},
			in:  []string{"http://a.test/", "https://[::1]:81/"},
		},
		"what matches one of the patterns, anywhere in the URL": {
			job: crawler.ScopeSettings{Scope: crawler.ScopeAny, Depth: -1, Include: []string{`/docs/`, `\.html$`}},
			in:  []string{"http://a.test/docs/b", "http://a.test/b.html"},
			out: map[string]string{"http://a.test/b.html?c": "not included", "http://docs.test/": "not included"},
		},
		"what matches none of the patterns": {
			job: crawler.ScopeSettings{Scope: crawler.ScopeAny, Depth: -1, Include: []string{"a"},
				Exclude: []string{`\?`, "^https:"}},
			in:  []string{"http://a.test/b"},
			out: map[string]string{"http://a.test/b?c": "excluded", "https://a.test/b": "excluded"},
		},
		"links up to a depth": {
			job: crawler.ScopeSettings{Scope: crawler.ScopeAny, Depth: 0},
			out: map[string]string{"http://a.test/": "deeper than depth"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope, err := NewScope(c.job, c.seeds)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range c.in {
				if why := scope.Refuses(mustURL(t, u), 1); why != "" {
					t.Errorf("%s is refused: %s", u, why)
				}
			}
			for u, want := range c.out {
				if why := scope.Refuses(mustURL(t, u), 1); why != want {
					t.Errorf("%s is refused with %q, want %q", u, why, want)
				}
			}
		})
	}
}

func TestDepthCountsFromTheSeeds(t *testing.T) {
	t.Parallel()
	u := mustURL(t, "http://a.test/")
	for limit, deepest := range map[int]int{0: 0, 2: 2, -1: 1 << 20} {
		scope, err := NewScope(crawler.ScopeSettings{Scope: crawler.ScopeAny, Depth: limit}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if why := scope.Refuses(u, deepest); why != "" {
			t.Errorf("depth %d of at most %d is refused: %s", deepest, limit, why)
		}
		if limit >= 0 && scope.Refuses(u, deepest+1) == "" {
			t.Errorf("depth %d of at most %d is not refused", deepest+1, limit)
		}
	}
}

func TestAPatternThatDoesNotCompileIsNamedAndQuoted(t *testing.T) {
	t.Parallel()
	for setting, job := range map[string]crawler.ScopeSettings{"include": {Include: []string{"a", "b("}},
		"exclude": {Exclude: []string{"b("}}} {
		_, err := NewScope(job, nil)
		if err == nil || !strings.HasPrefix(err.Error(), setting+`: "b(" is not a regular expression`) {
			t.Errorf("%s: got %v", setting, err)
		}
	}
}

func TestAScopeTakesInFurtherSeeds(t *testing.T) {
	t.Parallel()
	scope, err := NewScope(crawler.ScopeSettings{Scope: crawler.ScopeHost, Depth: -1}, []crawler.Host{"a.test"})
	if err != nil {
		t.Fatal(err)
	}
	if scope.Refuses(mustURL(t, "http://b.test/"), 0) == "" {
		t.Error("b.test is of the scope before it is taken in")
	}
	scope.Extend([]crawler.Host{"www.b.test"})
	for _, u := range []string{"http://a.test/", "http://b.test/"} {
		if why := scope.Refuses(mustURL(t, u), 0); why != "" {
			t.Errorf("%s is refused: %s", u, why)
		}
	}
}

func TestASitemapNeedNotLookLikeThePagesOfAJob(t *testing.T) {
	t.Parallel()
	s, err := NewScope(crawler.ScopeSettings{Scope: crawler.ScopeHost, Include: []string{"/page/"},
		Exclude: []string{"/no"}}, []crawler.Host{"a.test"})
	if err != nil {
		t.Fatal(err)
	}
	for u, want := range map[string]string{
		"https://www.a.test/sitemap.xml": "",
		"https://a.test/page/s.xml":      "",
		"https://a.test/no.xml":          "excluded",
		"https://b.test/page/s.xml":      "outside of scope host",
	} {
		if got := s.RefusesSitemap(mustURL(t, u)); got != want {
			t.Errorf("%s is refused for %q, want %q", u, got, want)
		}
	}
}

func TestAResourceBelongsToItsPageWhereverItLies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job    crawler.ScopeSettings
		url    string
		embeds int
		want   string
	}{
		"on another host": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny}, "http://cdn.test/a", 1, "",
		},
		"deeper than the pages": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny, Depth: 0}, "http://a.test/a", 1, "",
		},
		"though no page is like it": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny, Include: []string{"html$"}}, "http://a.test/a", 1,
			"",
		},
		"unless it is excluded": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny, Exclude: []string{"//ads"}}, "http://ads.test/a", 1,
			"excluded",
		},
		"unless hosts are": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeHost}, "http://cdn.a.test/a", 1,
			"outside of resource scope host",
		},
		"on the host of a seed": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeHost}, "https://www.a.test/a", 1, "",
		},
		"in the domain of a seed": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeDomain}, "https://cdn.a.test/a", 1, "",
		},
		"a font of an imported sheet": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny}, "http://cdn.test/a", 5, "",
		},
		"but not without end": {
			crawler.ScopeSettings{ResourceScope: crawler.ScopeAny}, "http://cdn.test/a", 6,
			"too many resources away from a page",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.job.Scope = crawler.ScopeHost
			scope, err := NewScope(c.job, []crawler.Host{"a.test"})
			if err != nil {
				t.Fatal(err)
			}
			if got := scope.RefusesResource(mustURL(t, c.url), c.embeds); got != c.want {
				t.Errorf("refused with %q, want %q", got, c.want)
			}
		})
	}
}
