package visit_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

const tdmrepPath = "/.well-known/tdmrep.json"

var statementTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z`)

// rightsOf returns the rights of a record and their summary as JSON. The site is SITE, and times are TIME.
func (c *crawl) rightsOf(path string) string {
	c.t.Helper()
	r := c.record(path)
	text, err := json.Marshal(struct {
		Usage  *crawler.Usage
		Rights crawler.Rights
	}{r.Usage, r.Rights})
	check(c.t, err)
	return statementTime.ReplaceAllString(strings.ReplaceAll(string(text), strings.TrimSuffix(c.site.URL(0, "/"), "/"),
		"SITE"), "TIME")
}

func TestARecordContainsTheUsageRightsOfAPageWithTheirSources(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t,
		web{"/": "<meta name=robots content=noai><meta name=tdm-reservation content=1>" + links("/b"), "/b": "b"})
	site.Robots("User-agent: *\nContent-Signal: ai-train=no\nContent-Usage: /b train-ai=n\nAllow: /\n")
	c := newCrawl(t, site, nil).seed("/")
	c.finish()
	robots := func(vocabulary, what, value string) string {
		return fmt.Sprintf(`{"vocabulary":%q,"statement":%q,"value":%q,"source":"robots.txt","where":"SITE/robots.txt","at":"TIME"}`,
			vocabulary, what, value)
	}
	for path, want := range map[string]string{
		"/": `{"Usage":{"noai":true,"tdm_reservation":1,"content_signal":{"ai-train":"no"}},"Rights":[` +
			robots("content-signal", "ai-train", "no") +
			`,{"vocabulary":"robots","statement":"noai","source":"meta","where":"SITE/","at":"TIME"}` +
			`,{"vocabulary":"tdmrep","statement":"reservation","value":"1","source":"meta","where":"SITE/","at":"TIME"}]}`,
		"/b": `{"Usage":{"content_signal":{"ai-train":"no"},"content_usage":{"train-ai":"n"}},"Rights":[` +
			robots("aipref", "train-ai", "n") + `,` + robots("content-signal", "ai-train", "no") + `]}`,
	} {
		if diff := cmp.Diff(want, c.rightsOf(path)); diff != "" {
			t.Errorf("the rights of %s (-want +got):\n%s", path, diff)
		}
	}
}

// for purpose changes a job to one for a purpose, with a policy.
func forPurpose(p crawler.Purpose, policy crawler.RightsPolicy) func(*crawler.Job) {
	return func(j *crawler.Job) { j.Purpose, j.Rights, j.Text = p, policy, true }
}

func TestPagesAreRecordedSkippedOrNotFetchedForAPurpose(t *testing.T) {
	t.Parallel()
	pages := web{
		"/":          "<title>home</title>" + links("/free", "/by-robots", "/by-page"),
		"/free":      "<title>free</title>",
		"/by-page":   "<title>page</title><meta name=robots content=noai>" + links("/next"),
		"/next":      "<title>next</title>",
		"/by-robots": "<title>robots</title>",
	}
	type fate struct {
		Outcome  crawler.Outcome
		Title    string
		Reserved crawler.Purpose
		Error    string
	}
	const train = crawler.PurposeTrainAI
	byRobots, byPage := "reserved for train-ai: aipref train-ai=n (robots.txt)",
		"reserved for train-ai: robots noai (meta)"
	withheld := "its content is not kept: "
	for _, c := range []struct {
		name    string
		purpose crawler.Purpose
		policy  crawler.RightsPolicy
		robots  fate
		page    fate
		asked   int
	}{
		{"recorded", train, crawler.RightsRecord, fate{crawler.OutcomeFetched, "robots", train, ""},
			fate{crawler.OutcomeFetched, "page", train, ""}, 1},
		{"skipped", train, crawler.RightsSkip, fate{crawler.OutcomeFetched, "", train, withheld + byRobots},
			fate{crawler.OutcomeFetched, "", train, withheld + byPage}, 1},
		{"not fetched", train, crawler.RightsStop, fate{crawler.OutcomeSkipped, "", train, byRobots},
			fate{crawler.OutcomeFetched, "", train, withheld + byPage}, 0},
		{"for another purpose", crawler.PurposeSearch, crawler.RightsStop, fate{crawler.OutcomeFetched, "robots", "", ""},
			fate{crawler.OutcomeFetched, "page", "", ""}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, pages)
			site.Robots("User-agent: *\nContent-Usage: /by-robots train-ai=n\n")
			crawl := newCrawl(t, site, forPurpose(c.purpose, c.policy)).seed("/")
			crawl.finish()
			for path, want := range map[string]fate{
				"/by-robots": c.robots, "/by-page": c.page,
				"/free": {crawler.OutcomeFetched, "free", "", ""}, "/next": {crawler.OutcomeFetched, "next", "", ""},
			} {
				r := crawl.record(path)
				got := fate{r.Outcome, r.Title, "", r.Error}
				if r.Usage != nil {
					got.Reserved = r.Usage.ReservedFor
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", path, diff)
				}
			}
			crawl.wantRequests(map[string]int{"/by-robots": c.asked, "/by-page": 1, tdmrepPath: 0})
		})
	}
}

func TestAPageThatIsNotParsedIsSkippedAsWell(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{})
	site.Handle("/a.pdf", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		fmt.Fprint(w, "%PDF-1.7")
	}))
	site.Robots("User-agent: *\nContent-Signal: ai-train=no\n")
	c := newCrawl(t, site, forPurpose(crawler.PurposeTrainAI, crawler.RightsSkip)).seed("/a.pdf")
	c.finish()
	if r := c.record("/a.pdf"); r.Outcome != crawler.OutcomeFetched || r.Digest != "" || r.Error == "" {
		t.Errorf("record %+v", r)
	}
}

// reserving serves a tdmrep.json that reserves all but /free.
func reserving(t *testing.T) *testsite.Site {
	site := testsite.Serve(t, web{
		"/": links("/free/a", "/a"), "/free/a": "<title>free</title>", "/a": "<title>a</title>",
	})
	site.Handle(tdmrepPath, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"location":"/free","tdm-reservation":0},{"location":"/a","tdm-reservation":1,"tdm-policy":"/tdm"}]`)
	}))
	return site
}

func TestATDMFileIsRequestedOnceIfConfigured(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, reserving(t), func(j *crawler.Job) { j.TDMRep = true }).seed("/")
	c.cfg.Pages = 1 // many visits
	c.finish()
	c.wantRequests(map[string]int{tdmrepPath: 1, "/tdm": 0, "/a": 1})
	said := func(what, value string) string {
		return fmt.Sprintf(`{"vocabulary":"tdmrep","statement":%q,"value":%q,"source":"tdmrep.json",`+
			`"where":"SITE/.well-known/tdmrep.json","at":"TIME"}`, what, value)
	}
	for path, want := range map[string]string{
		"/":       `{"Usage":null,"Rights":null}`,
		"/free/a": `{"Usage":{"tdm_reservation":0},"Rights":[` + said("reservation", "0") + `]}`,
		"/a": `{"Usage":{"tdm_reservation":1,"tdm_policy":"SITE/tdm"},"Rights":[` + said("reservation", "1") + "," +
			said("policy", "SITE/tdm") + `]}`,
	} {
		if diff := cmp.Diff(want, c.rightsOf(path)); diff != "" {
			t.Errorf("the rights of %s (-want +got):\n%s", path, diff)
		}
	}
}

func TestWhatATDMFileReservesIsNotFetched(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, reserving(t), func(j *crawler.Job) {
		j.TDMRep, j.Purpose, j.Rights = true, crawler.PurposeMining, crawler.RightsStop
	}).seed("/")
	c.finish()
	c.wantRequests(map[string]int{tdmrepPath: 1, "/a": 0, "/free/a": 1})
	if r := c.record("/a"); r.Outcome != crawler.OutcomeSkipped ||
		r.Error != "reserved for tdm: tdmrep reservation=1 (tdmrep.json)" {
		t.Errorf("record %+v", r)
	}
}

func TestATDMFileThatRobotsTxtForbidsIsNotRequested(t *testing.T) {
	t.Parallel()
	site := reserving(t)
	site.Robots("User-agent: *\nDisallow: /.well-known/\n")
	c := newCrawl(t, site, func(j *crawler.Job) { j.TDMRep = true }).seed("/")
	c.finish()
	c.wantRequests(map[string]int{tdmrepPath: 0, "/a": 1})
}
