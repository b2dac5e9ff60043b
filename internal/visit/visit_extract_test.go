package visit_test

import (
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestFollowRulesSelectLinksByPage(t *testing.T) {
	t.Parallel()
	pages := web{
		"/": "<nav>" + links("/category/1", "/about") + "</nav>",
		"/category/1": "<nav>" + links("/about") + "</nav><div class=product>" + links("/product/1", "/basket") +
			"</div><p class=next>" + links("/category/2") + "</p>",
		"/category/2": "<div class=product>" + links("/product/2") + "</div><p class=next>" + links("/category/3") +
			"</p>",
		"/category/3": links(), "/product/1": links("/product/3"), "/product/2": links(), "/product/3": links(),
		"/about": links(), "/basket": links(),
	}
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.FollowRules = []crawler.FollowRule{
			{Match: "/$", To: "/category/"},
			{Match: "/category/", Links: ".product", To: "/product/"},
			{Match: "/category/", Links: ".next", Depth: 2},
		}
	}).seed("/")
	c.finish()
	c.wantRequests(map[string]int{
		"/": 1, "/category/1": 1, "/category/2": 1, "/product/1": 1, "/product/2": 1,
		"/category/3": 0, "/product/3": 0, "/about": 0, "/basket": 0,
	})
	if n := c.record("/category/1").Links; n != 4 {
		t.Errorf("the record has %v links, want all 4 of the page", n)
	}
}

func TestAnInvalidFollowRuleIsRefused(t *testing.T) {
	t.Parallel()
	for want, follow := range map[string][]crawler.FollowRule{
		`follow_rules[1].match: "(" is not a regular expression`: {{}, {Match: "("}},
		`follow_rules[0].to: "[" is not a regular expression`:    {{To: "["}},
		"follow_rules[0].depth: -1 is out of range":              {{Depth: -1}},
		"follow_rules: there are 65: want at most 64":            make([]crawler.FollowRule, 65),
	} {
		job := crawler.DefaultJob()
		job.Name, job.FollowRules = "job", follow
		if err := rules.Validate(job); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestAPageWithoutARequiredFieldIsMarkedAndCounted(t *testing.T) {
	t.Parallel()
	pages := web{"/": "<h1>shop</h1>" + links("/a", "/b", "/secret"), "/a": "<b class=price>5</b>",
		"/b":      "<b class=price>soon</b>",
		"/secret": "<meta name=robots content=noindex>"}
	c := newCrawl(t, testsite.Serve(t, pages), func(j *crawler.Job) {
		j.Extract = []crawler.Extraction{{Match: "/[a-z]",
			Fields: crawler.Fields{"price": {CSS: ".price", Type: "number", Required: true}}}}
	}).seed("/")
	reports := c.finish()
	for path, want := range map[string]struct{ missing, reason string }{
		"/": {}, "/a": {}, "/b": {"price", `required fields are missing: price: "soon" is not a number`}, "/secret": {},
	} {
		rec := c.record(path)
		if rec.Outcome != crawler.OutcomeFetched || strings.Join(rec.Missing, " ") != want.missing ||
			rec.Error != want.reason {
			t.Errorf("%s: %s, missing %v, %q; want %q, %q", path, rec.Outcome, rec.Missing, rec.Error, want.missing,
				want.reason)
		}
	}
	incomplete := int64(0)
	for _, r := range reports {
		incomplete += r.Incomplete
	}
	numbers, err := c.frontier.Counters(t.Context())
	check(t, err)
	if incomplete != 1 || numbers.Incomplete != 1 {
		t.Errorf("%d pages are reported and %d counted, want 1", incomplete, numbers.Incomplete)
	}
}
