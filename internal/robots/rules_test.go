package robots

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/temoto/robotstxt"

	"github.com/trawlcrawler/trawl/crawler"
)

// parseURL returns a path of example.com as a URL.
func parseURL(t testing.TB, path string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL("https://example.com" + path)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestTheGroupsOfATokenAreMerged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		file       string
		disallowed string // which of /a /b /c are disallowed to "trawl"
	}{
		{"an empty file", "", ""},
		{"the group that names the token", "User-agent: trawl\nDisallow: /a\n", "/a"},
		{"in any case", "USER-AGENT: TRAWL\nDISALLOW: /a\n", "/a"},
		{"the group for all", "User-agent: *\nDisallow: /a\n", "/a"},
		{"not the group for all beside a named one", "User-agent: trawl\nDisallow: /a\nUser-agent: *\nDisallow: /b\n",
			"/a"},
		{"a named group without rules", "User-agent: *\nDisallow: /\nUser-agent: trawl\n", ""},
		{"a named group with an empty rule", "User-agent: *\nDisallow: /\n\nUser-agent: trawl\nDisallow:\n", ""},
		{"all groups that name it",
			"User-agent: trawl\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: trawl\nDisallow: /c\n", "/a /c"},
		{"all groups for all", "User-agent: *\nDisallow: /a\nUser-agent: *\nDisallow: /b\n", "/a /b"},
		{"a group of several names", "User-agent: x\nUser-agent: trawl\nUser-agent: y\nDisallow: /a\n", "/a"},
		{"names apart in one group", "User-agent: trawl\n\n# and\n\nUser-agent: x\nDisallow: /a\n", "/a"},
		{"names apart by other records",
			"User-agent: trawl\nSitemap: /s\nCrawl-delay: 1\nHost: h\nUser-agent: x\nDisallow: /a\n", "/a"},
		{"an empty rule ends the names", "User-agent: trawl\nDisallow:\nUser-agent: x\nDisallow: /a\n", ""},
		{"not a longer name", "User-agent: trawler\nDisallow: /a\n", ""},
		{"not a shorter name", "User-agent: tra\nDisallow: /a\n", ""},
		{"a name with a version", "User-agent: Trawl/2.0\nDisallow: /a\n", "/a"},
		{"a name with a remark", "User-agent: Trawl (fast)\nDisallow: /a\n", "/a"},
		{"rules before any name belong to no group", "Disallow: /a\nUser-agent: *\nDisallow: /b\n", "/b"},
		{"a line with an empty name is ignored", "User-agent: *\nDisallow: /a\nUser-agent:\nDisallow: /b\n", "/a /b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := disallowed(t, Parse([]byte(test.file), "trawl")); got != test.disallowed {
				t.Errorf("disallowed %q, want %q", got, test.disallowed)
			}
		})
	}
}

// disallowed lists which of /a, /b and /c must not be fetched.
func disallowed(t *testing.T, rules *Rules) string {
	var paths []string
	for _, path := range []string{"/a", "/b", "/c"} {
		if !rules.Allowed(parseURL(t, path)) {
			paths = append(paths, path)
		}
	}
	return strings.Join(paths, " ")
}

func TestBadLinesInvalidateNothing(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"a byte order mark":             "\ufeffUser-agent: *\nDisallow: /a\n",
		"UTF-16, little end first":      "\xff\xfe" + utf16("User-agent: *\nDisallow: /a\n", 0),
		"UTF-16, big end first":         "\xfe\xff" + utf16("User-agent: *\nDisallow: /a\n", 1),
		"lines that end in CR":          "User-agent: *\rDisallow: /a\r",
		"lines that end in CRLF":        "User-agent: *\r\nDisallow: /a\r\n",
		"a last line without end":       "User-agent: *\nDisallow: /a",
		"white space":                   "  User-agent\t : * \n\t Disallow :\t/a \t\n",
		"comments":                      "#x\nUser-agent: * # all\nDisallow: /a#b\n#Allow: /\n",
		"a line without colon":          "User-agent: *\nAllow /a\nDisallow: /a\n",
		"unknown keys":                  "User-agent: *\nNoindex: /b\nDisallow: /a\n",
		"markup and octets":             "<html>\n\x00\x01\xff: \xfe\nUser-agent: *\nDisallow: /a\n</html>",
		"a delay that is not a number":  "User-agent: *\nCrawl-delay: soon\nDisallow: /a\n",
		"a delay before the first name": "Crawl-delay: 5\nUser-agent: *\nDisallow: /a\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := disallowed(t, Parse([]byte(file), "trawl")); got != "/a" {
				t.Errorf("disallowed %q, want %q", got, "/a")
			}
		})
	}
}

// utf16 converts ASCII to UTF-16, with the octets at the given position in each unit.
func utf16(ascii string, at int) string {
	b := make([]byte, 2*len(ascii))
	for i := range len(ascii) {
		b[2*i+at] = ascii[i]
	}
	return string(b)
}

func TestALineThatTheLimitCutsIsIgnored(t *testing.T) {
	t.Parallel()
	head := "User-agent: *\nDisallow: /a\n"
	filler := strings.Repeat("#", MaxSize-len(head)-len("\nDisallow: /b")) + "\nDisallow: /b"
	for _, test := range []struct{ name, file, disallowed string }{
		{"inside the limit", head + filler[1:] + "\n", "/a /b"},
		{"across the limit", head + filler + "ig\n", "/a"},
		{"beyond the limit", head + filler + "ig\nDisallow: /c\n", "/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := disallowed(t, Parse([]byte(test.file), "trawl")); got != test.disallowed {
				t.Errorf("disallowed %q, want %q", got, test.disallowed)
			}
		})
	}
}

func TestCrawlDelayIsANumberOfSeconds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, file string
		delay      time.Duration
	}{
		{"none", "User-agent: trawl\nDisallow: /\n", 0},
		{"whole", "User-agent: trawl\nCrawl-delay: 10\n", 10 * time.Second},
		{"fractional", "User-agent: trawl\nCrawl-delay: 0.5\n", 500 * time.Millisecond},
		{"with a unit", "User-agent: trawl\nCrawl-delay: 2 seconds\n", 2 * time.Second},
		{"with a record after it", "User-agent: trawl\nCrawl-delay: 2 Crawl-delay: 3\n", 2 * time.Second},
		{"empty", "User-agent: trawl\nCrawl-delay:\n", 0},
		{"negative", "User-agent: trawl\nCrawl-delay: -1\n", 0},
		{"not a number", "User-agent: trawl\nCrawl-delay: NaN\n", 0},
		{"infinite", "User-agent: trawl\nCrawl-delay: inf\n", 0},
		{"beyond all durations", "User-agent: trawl\nCrawl-delay: 1e300\n", 1<<63 - 1},
		{"for all", "User-agent: *\nCrawl-delay: 3\n", 3 * time.Second},
		{"for all, beside a named group", "User-agent: *\nCrawl-delay: 3\nUser-agent: trawl\nDisallow:\n", 0},
		{"the longest of several", "User-agent: trawl\nCrawl-delay: 3\nUser-agent: trawl\nCrawl-delay: 1\n",
			3 * time.Second},
		{"of the names directly above",
			"User-agent: trawl\nCrawl-delay: 3\nUser-agent: x\nCrawl-delay: 9\nDisallow: /\n", 3 * time.Second},
		{"after the rules", "User-agent: trawl\nDisallow: /a\nCrawl-delay: 3\n", 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Parse([]byte(test.file), "trawl").CrawlDelay(); got != test.delay {
				t.Errorf("delay %v, want %v", got, test.delay)
			}
		})
	}
}

func TestSitemapsBelongToNoGroupAndAreListedOnce(t *testing.T) {
	t.Parallel()
	const file = "Sitemap: https://a.example/1.xml\nUser-agent: x\nsitemap : /2.xml # two\nDisallow: /\n" +
		"SITEMAP: https://a.example/1.xml\nSitemap:\nSitemap: /3.xml Disallow: /\n"
	got := Parse([]byte(file), "trawl").Sitemaps()
	if want := []string{"https://a.example/1.xml", "/2.xml", "/3.xml"}; !slices.Equal(got, want) {
		t.Errorf("sitemaps %q, want %q", got, want)
	}
}

func TestTheZeroRulesAllowEverything(t *testing.T) {
	t.Parallel()
	if !new(Rules).Allowed(parseURL(t, "/a")) {
		t.Error("/a is disallowed")
	}
}

func TestSimpleFilesMeanTheSameToTemoto(t *testing.T) {
	t.Parallel()
	paths := []string{"/", "/a", "/a/", "/a/b", "/a/b/c.html", "/a.html", "/b?x=1", "/c", "/img/x.gif"}
	for _, file := range []string{
		"",
		"User-agent: *\nDisallow:\n",
		"User-agent: *\nDisallow: /\n",
		"User-agent: *\nDisallow: /a\nAllow: /a/b\n",
		"User-agent: *\nAllow: /a\nDisallow: /a/b/\nCrawl-delay: 2.5\n",
		"User-agent: trawl\nDisallow: /b?x=\n\nUser-agent: *\nDisallow: /\n",
		"User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /c\nCrawl-delay: 7\n",
		"User-agent: other\nUser-agent: trawl\nDisallow: /img/\nSitemap: https://example.com/s.xml\n",
		"User-agent: *\r\nDisallow: /*.html\r\nDisallow: /img/*.gif$\r\n",
	} {
		rules := Parse([]byte(file), "trawl")
		theirs, err := robotstxt.FromString(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if got, want := rules.Allowed(parseURL(t, path)), theirs.TestAgent(path, "trawl"); got != want {
				t.Errorf("%q allows %q: %v, temoto says %v", file, path, got, want)
			}
		}
		if len(file) > 0 && rules.CrawlDelay() != theirs.FindGroup("trawl").CrawlDelay {
			t.Errorf("%q delays by %v, temoto says %v", file, rules.CrawlDelay(), theirs.FindGroup("trawl").CrawlDelay)
		}
		if !slices.Equal(rules.Sitemaps(), theirs.Sitemaps) {
			t.Errorf("%q has sitemaps %q, temoto says %q", file, rules.Sitemaps(), theirs.Sitemaps)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("User-agent: *\nDisallow: /\n"), "/a", "trawl")
	f.Add([]byte("\xef\xbb\xbfuser-agent : Trawl/1 # x\rallow:/a*b$\rdisallow: *%2\rcrawl-delay: 1e9\r"), "/%61?b",
		"trawl")
	f.Add([]byte("\xff\xfeU\x00"), "", "")
	f.Fuzz(func(t *testing.T, body []byte, path, token string) {
		rules := Parse(body, token)
		if !rules.Allowed(parseURL(t, "/robots.txt")) {
			t.Error("/robots.txt is disallowed")
		}
		if rules.CrawlDelay() < 0 {
			t.Errorf("the delay is %v", rules.CrawlDelay())
		}
		u, err := crawler.ParseURL("https://example.com/" + path)
		if err != nil {
			return
		}
		condensed := Parse([]byte(condense(body)), token)
		if rules.Allowed(u) != condensed.Allowed(u) || rules.CrawlDelay() != condensed.CrawlDelay() ||
			!slices.Equal(rules.Sitemaps(), condensed.Sitemaps()) {
			t.Errorf("condensed to %q, it has another meaning", condense(body))
		}
	})
}
