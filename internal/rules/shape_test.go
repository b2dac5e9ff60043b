package rules

import (
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestTheShapeOfALinkIsBounded(t *testing.T) {
	t.Parallel()
	bounds := shape{length: 100, repeats: 2, params: 3}
	for path, want := range map[string]string{
		"/":                               "",
		"/a/b/a/c":                        "",
		"/a/b/a/c/a":                      `the segment "a" occurs more than max_repeats, 2 times, in the path`,
		"/a/a/a":                          `the segment "a"`,
		"/a/aa/aaa/a":                     "",
		"/x/ab/x/ab/x/":                   `the segment "x"`,
		"//////////":                      "",
		"/a/b/c?d=/a/a/a/a":               "",
		"/?a&b&c":                         "",
		"/?a&b&c&d":                       "more than max_params, 3 parameters",
		"/" + strings.Repeat("y", 87):     "longer than max_url_length, 100 bytes",
		"/" + strings.Repeat("y", 100-15): "",
	} {
		u, err := crawler.ParseURL("http://a.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		if len(u.String()) > 100 && want == "" {
			want = "longer"
		}
		if got := bounds.refuses(u); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s (%d bytes): %q, want %q", path, len(u.String()), got, want)
		}
		if got := (shape{}).refuses(u); got != "" {
			t.Errorf("without bounds %s: %q", path, got)
		}
	}
}
