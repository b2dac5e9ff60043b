package signature

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// parseSignature parses a page and returns its signature.
func parseSignature(t *testing.T, url, body, title string) Signature {
	t.Helper()
	u, err := crawler.ParseURL("http://example.com" + url)
	if err != nil {
		t.Fatal(err)
	}
	return Of(&fetched.Page{URL: u, Body: &fetched.Body{Head: []byte(body)}}, &fetched.Document{Title: title})
}

func TestPagesWithTheSameSignature(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Whoever comes by boat pays at the gate, and gets a paper that is good for a week. ", 12)
	for name, c := range map[string]struct {
		a, b string // URL, a space, and the body
		same bool
	}{
		"the same words":       {"/x/1 hello out there", "/x/2 hello, out there", true},
		"other words":          {"/x/1 tea and coffee", "/x/2 bread and butter", false},
		"one word of hundreds": {"/x/1 " + long + "abcdefghij", "/x/2 " + long + "klmnopqrst", true},
		"other tables":         {"/x/1 <td>12.5<td>17", "/x/2 <td>12.5<td>18", false},
		"one number among hundreds of words": {
			"/x/1 " + long + "high water at 3.7 m", "/x/2 " + long + "high water at 3.9 m", false,
		},
		"numbers with units":              {"/x/1 weighs 17kg", "/x/2 weighs 19kg", false},
		"numbers beside other letters":    {"/x/1 価格は1200円", "/x/2 価格は1300円", false},
		"the numbers of their URLs":       {"/x/17 sheet 17 of the book", "/x/18 sheet 18 of the book", true},
		"the numbers of their neighbours": {"/x/17 <a>16</a> <a>18</a>", "/x/31 <a>30</a> <a>32</a>", true},
		"their paths": {
			"/x/abc there is no /x/abc here", "/x/def there is no /x/def here", true,
		},
		"a calendar": {
			"/cal/2031/5 <h1>May 2031</h1> Monday 5 Tuesday 6: none",
			"/cal/2032/11 <h1>November 2032</h1> Monday 1 Tuesday 2: none", true,
		},
		"a calendar whose URLs are dates": {"/cal?d=20310501 1 May 2031", "/cal?d=20320601 1 June 2032", true},
		"the response time of the server": {"/x/1 made in 0.012 seconds", "/x/2 made in 0.734 seconds", true},
		"random text": {
			"/x/1 ticket 9f86d081884c7d65", "/x/2 ticket 60303ae22b998861", true,
		},
		"a random number in a script": {
			"/x/1 <script>n=123456789012</script>x", "/x/2 <script>n=210987654321</script>x", true,
		},
		"data in a script": {
			"/x/1 <script>data=[1.5,2.5]</script>x", "/x/2 <script>data=[1.5,3.5]</script>x", false,
		},
		"numbers in style sheets and comments": {
			"/x/1 <style>a{width:7px}</style><!-- 8 -->x", "/x/2 <style>a{width:9px}</style><!-- 10 -->x", true,
		},
		"other pictures": {
			"/x/1 of the day <img src=/a.jpg>", "/x/2 of the day <img src=/b.jpg>", false,
		},
		"other pictures among hundreds of words": {
			"/x/1 " + long + "<img alt='' src='/a.jpg'>", "/x/2 " + long + "<img alt='' src='/b.jpg'>", false,
		},
		"pictures in a set": {
			"/x/1 <source srcset='/a.jpg 2x'>", "/x/2 <source srcset='/b.jpg 2x'>", false,
		},
		"pictures in the background": {
			"/x/1 <div style='background:url(/a.jpg)'>x", "/x/2 <div style='background:url(/b.jpg)'>x", false,
		},
		"lazily loaded pictures": {
			"/x/1 <img src=/wait.gif data-src=/a.jpg>", "/x/2 <img src=/wait.gif data-src=/b.jpg>", false,
		},
		"drawings": {
			"/x/1 <svg><path d='M1 1L2 2'/></svg>", "/x/2 <svg><path d='M1 1L2 3'/></svg>", false,
		},
		"films": {"/x/1 <video src=/a.mp4>", "/x/2 <video src=/b.mp4>", false},
		"tracking pixels": {
			"/x/1 x<img src=/count?1 width=1 height=1>", "/x/2 x<img src=/count?2 width=1 height=1>", true,
		},
		"the same in another order": {
			"/x/1 7 8 <img src=a><img src=b>", "/x/2 8 7 <img src=b><img src=a>", true,
		},
		"a page without words and one with a few": {"/x/1 <p>", "/x/2 <p>hello out there", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signatureOf := func(page string) Signature {
				url, body, _ := strings.Cut(page, " ")
				return parseSignature(t, url, body, "")
			}
			if a, b := signatureOf(c.a), signatureOf(c.b); a.Same(b) != c.same {
				t.Errorf("%+v and %+v: same %v, want %v", a, b, a.Same(b), c.same)
			}
		})
	}
}

func TestTitlesDistinguishPages(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a long text about nothing ", 100)
	if parseSignature(t, "/x/1", text, "Blue lamp").Same(parseSignature(t, "/x/2", text, "Red chair")) {
		t.Error("pages with different titles have the same signature")
	}
	if !parseSignature(t, "/x/1", text, "Sheet 1: /x/1").Same(parseSignature(t, "/x/2", text, "Sheet 2: /x/2")) {
		t.Error("titles that repeat their URLs distinguish pages")
	}
}

// Each page differs from the others by one word of a long text, so it must be a near duplicate of
// one of the recent pages.
func TestManyPagesThatDifferByOneWordAreNearDuplicates(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("The keeper of the tower writes down what he sees at dawn, at noon and in the evening, and sends it to the town. ", 10)
	const recentPages = 16 // as the search for traps remembers
	var recent []Signature
	fresh := 0
	for i := range 400 {
		token := strings.Map(func(c rune) rune { return 'g' + c%16 },
			fmt.Sprintf("%016x", uint64(i+1)*0x9e3779b97f4a7c15))
		said := parseSignature(t, fmt.Sprintf("/hall/%d", i), text+" Your number is "+token, "")
		known := false
		for _, r := range recent {
			known = known || r.Same(said)
		}
		if !known {
			if fresh++; len(recent) == recentPages {
				recent = recent[1:]
			}
			recent = append(recent, said)
		}
	}
	if fresh > recentPages {
		t.Errorf("%d of 400 pages count as new", fresh)
	}
}

func FuzzSignature(f *testing.F) {
	for _, seed := range []string{"<img src='", "<a b=c", "1.2.3, 4", "<!--", "<style>x", "\xff1é2",
		"<script>1</script>12kg", "<p style=url(x) width=1"} {
		f.Add([]byte(seed))
	}
	u, err := crawler.ParseURL("http://example.com/a/1?b=20310501")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		page := &fetched.Page{URL: u, Body: &fetched.Body{Head: body}}
		if a := Of(page, nil); !a.Same(Of(page, nil)) {
			t.Error("a page differs from itself")
		}
	})
}

func TestPatternsOfURLs(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]Pattern{
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
		u, err := crawler.ParseURL("http://a.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := PatternOf(u); got != want {
			t.Errorf("the pattern of %s is %s, want %s", path, got, want)
		}
	}
}
