package rules

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestRulesSayWhichURLsAreTheSamePage(t *testing.T) {
	t.Parallel()
	const base = "http://www.a.test/p/?b=2&a=1"
	for _, c := range []struct {
		rule  string
		one   string
		other string
		same  bool // under the rule; never without it
	}{
		{SameOrder, base, "http://www.a.test/p/?a=1&b=2", true},
		{SameOrder, "http://a.test/?a=1&a=2", "http://a.test/?a=2&a=1", true},
		{SameOrder, "http://a.test/?a=1", "http://a.test/?a=2", false},
		{SameTracking, base, "http://www.a.test/p/?utm_source=x&b=2&a=1&fbclid=y", true},
		{SameTracking, "http://a.test/", "http://a.test/?utm_source=x", true},
		{SameTracking, "http://a.test/", "http://a.test/?utm=x", false},
		{SameSession, "http://a.test/p", "http://a.test/p;jsessionid=17", true},
		{SameSession, "http://a.test/p/q", "http://a.test/p;JSESSIONID=17/q", true},
		{SameSession, "http://a.test/p?x=1", "http://a.test/p?PHPSESSID=ab&x=1", true},
		{SameSession, "http://a.test/p", "http://a.test/p;v=1", false},
		{SameSlash, "http://a.test/p", "http://a.test/p/", true},
		{SameSlash, "http://a.test/p?x", "http://a.test/p/?x", true},
		{SameIndex, "http://a.test/p/", "http://a.test/p/index.html", true},
		{SameIndex, "http://a.test/", "http://a.test/Index.PHP", true},
		{SameIndex, "http://a.test/p/", "http://a.test/p/main.html", false},
		{SameWWW, "http://www.a.test/", "http://a.test/", true},
		{SameScheme, "http://a.test/", "https://a.test/", true},
		{SameTracking, "http://a.test/", "http://a.test/?", false},
	} {
		one, other := mustParse(t, c.one), mustParse(t, c.other)
		id := Identity{[]string{c.rule}}
		if same := id.Key(one) == id.Key(other); same != c.same {
			t.Errorf("by %s, %s and %s: %v, want %v (%s, %s)", c.rule, c.one, c.other, same, c.same, id.Key(one),
				id.Key(other))
		}
		if none := (Identity{}); none.Key(one) == none.Key(other) {
			t.Errorf("without rules, %s and %s are the same", c.one, c.other)
		}
		if all := (Identity{SameKinds}); c.same && all.Key(one) != all.Key(other) {
			t.Errorf("by all rules, %s and %s differ: %s, %s", c.one, c.other, all.Key(one), all.Key(other))
		}
	}
}

func mustParse(t *testing.T, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
