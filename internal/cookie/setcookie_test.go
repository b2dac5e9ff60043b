package cookie

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Names and values go back byte for byte.
func TestACookieGoesBackAsItCame(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`a=b`:                              `a=b`,
		`a="b c"; Path=/`:                  `a="b c"`,
		`a="Zm9v=="`:                       `a="Zm9v=="`,
		`a={"b":[1,2],"c":"d"}; HttpOnly`:  `a={"b":[1,2],"c":"d"}`,
		`a=b\c`:                            `a=b\c`,
		"a=Gr\xfcn":                        "a=Gr\xfcn",
		"a=Köln":                           "a=Köln",
		"größe=b":                          "größe=b",
		"a[b][]=c":                         "a[b][]=c",
		"a(b)@c=d":                         "a(b)@c=d",
		"a b=c":                            "a b=c",
		"  a \t= \t b ; Path=/":            "a=b",
		"a=":                               "a=",
		"a=b=c==":                          "a=b=c==",
		"a=b, c=d":                         "a=b, c=d",
		"a=%22b%22":                        "a=%22b%22",
		"b":                                "b",
		"=b":                               "b",
		"a=b;":                             "a=b",
		"a=b; SameSite=Lax; Priority=High": "a=b",
		"a=b; Secure=; Path=nowhere":       "",
		";":                                "",
		"a=b\x00c":                         "",
		"a=b\rc":                           "",
		"a=b\tc":                           "a=b\tc",
		"__Secure-a":                       "",
		"a=b; Path=/; Path=/deeper":        "",
	} {
		j := NewJar()
		setCookies(t, j, "http://a.test/", line)
		if got := back(t, j, "http://a.test/"); got != want {
			t.Errorf("%q goes back as %q, want %q", line, got, want)
		}
	}
}

func TestACookieIsOverWhenItSaysSo(t *testing.T) {
	t.Parallel()
	past, next := "Thu, 01 Jan 1970 00:00:00 GMT", time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat)
	for line, kept := range map[string]bool{
		"a=b; Expires=" + past:                           false,
		"a=b; expires=" + next:                           true,
		"a=b; Expires=Thu, 01-Jan-70 00:00:01 GMT":       false,
		"a=b; Expires=Thu Jan  1 00:00:01 1970":          false,
		"a=b; Expires=1 January 1970 0:0:1":              false,
		"a=b; Expires=soon":                              true,
		"a=b; Expires=31 Feb 1999 00:00:00":              true,
		"a=b; Expires=1 Jan 1970 25:00:00":               true,
		"a=b; Max-Age=0":                                 false,
		"a=b; Max-Age=-1":                                false,
		"a=b; Max-Age=60; Expires=" + past:               true,
		"a=b; Max-Age=0; Expires=" + next:                false,
		"a=b; Max-Age=6x":                                true,
		"a=b; Max-Age=99999999999999999999999999":        true,
		"a=b; Max-Age=-99999999999999999999999999":       false,
		"a=b; Max-Age=-":                                 true,
		"a=b; Expires=\"" + past + "\"":                  false,
		"a=b; Expires=Sat, 01-Jan-2000 00:00:00 GMT;b=c": false,
	} {
		j := NewJar()
		setCookies(t, j, "http://a.test/", "a=old", line)
		if got := back(t, j, "http://a.test/"); (got != "") != kept {
			t.Errorf("after %q %q goes back", line, got)
		}
	}
}

func TestDatesOfCookiesAreReadLoosely(t *testing.T) {
	t.Parallel()
	want := time.Date(2031, 4, 9, 8, 7, 6, 0, time.UTC)
	for _, text := range []string{
		"Wed, 09 Apr 2031 08:07:06 GMT", "Wednesday, 09-Apr-31 08:07:06 GMT", "Wed Apr  9 08:07:06 2031",
		"9 april 2031 8:7:6", "2031 Apr 9 08:07:06 +0200",
	} {
		got, ok := cookieDate(text)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
