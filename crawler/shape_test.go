package crawler

import (
	"strings"
	"testing"
)

func TestTheShapeOfALinkIsBounded(t *testing.T) {
	t.Parallel()
	bounds := shape{length: 100, repeats: 2, params: 3}
	for path, want := range map[string]string{
		"/":                               "",
		"/a/b/a/c":                        "",
		"/a/b/a/c/a":                      `the segment "a" stands more than max_repeats, 2 times, in the path`,
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
		u, err := ParseURL("http://a.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		if len(u.href) > 100 && want == "" {
			want = "longer"
		}
		if got := bounds.refuses(u); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s (%d bytes): %q, want %q", path, len(u.href), got, want)
		}
		if got := (shape{}).refuses(u); got != "" {
			t.Errorf("without bounds %s: %q", path, got)
		}
	}
}

func TestPatternsOfURLs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]pattern{
		"/":                                      "/",
		"/calendar/2031/05":                      "/calendar/N/N",
		"/calendar/2031-05-01/":                  "/calendar/N/",
		"/shop/lamp-17?sid=9f86d081884c7d65&b=1": "/shop/M?b&sid=X",
		"/a/550e8400-e29b-41d4-a716-446655440000": "/a/X",
		"/17":                             "/N",
		"/api/java.base/java/String.html": "/api/w/w/w",
		"/x?b=2&a=1&a=3":                  "/x?a&b",
		"/page17":                         "/M",
		"/chapter12section3":              "/M",
	} {
		u, err := ParseURL("http://a.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := patternOf(u); got != want {
			t.Errorf("the pattern of %s is %s, want %s", path, got, want)
		}
	}
}
