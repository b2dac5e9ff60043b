package dashboard

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// troubledHost gives a job a host that has failed, with a trap.
func (s *testDashboard) troubledHost(t testing.TB, job string) {
	t.Helper()
	if s.fakeFleet.jobs[job] == nil {
		s.job(t, job)
	}
	u, err := crawler.ParseURL("http://a.test/gone?<script>alert(1)</script>")
	if err != nil {
		t.Fatal(err)
	}
	other, err := crawler.ParseURL("http://b.test/")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	s.change(job, func(r *fakeJob) {
		r.hosts = []crawler.HostStatus{{Host: "a.test", State: queue.HostDue, Waiting: 2, ConsecutiveFailures: 3,
			Trouble: "the server answered 503",
			Traps:   []crawler.Trap{{Pattern: "/cal/*", Pages: 50, Streak: 40, Skipped: true}}}}
		r.queued = []queue.Location{{Place: queue.PlaceLater, Due: 90 * time.Second,
			Entry: queue.Entry{URL: u, Depth: 2, Tries: 1, Band: queue.BandUrgent}}}
		r.robots = []queue.Robots{{Origin: "http://a.test", At: at, Text: "user-agent:*\n"}}
		r.recent = []tail.Row{{URL: "http://b.test/", Host: "b.test"}, {URL: u.String(), Host: "a.test", Status: 404, At: at,
			DurationMS: 31, Outcome: crawler.OutcomeGone, Reason: "the server answered 404"}}
		r.failed = []queue.Failed{{Entry: queue.Entry{URL: u}, Cause: "404", At: at, Reason: "the server answered 404"},
			{Entry: queue.Entry{URL: other}, Cause: "404", At: at, Reason: "elsewhere"}}
	})
}

func (s *testDashboard) patch(t testing.TB, path, body string, header ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodPatch, apiRoot+path, strings.NewReader(body), append(header, "Content-Type",
		"application/merge-patch+json")...)
}

func TestTheAPIShowsAHostWithEverythingOfItsPage(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.troubledHost(t, "news")
	var h hostDetail
	a := s.get(t, apiRoot+"/jobs/news/hosts/a.test")
	a.read(t, &h)
	want := queuedReport{URL: h.Failed[0].URL, State: queue.PlaceLater, Priority: "urgent", Depth: 2, Tries: 1,
		AgainMS: 90_000}
	if len(h.URLs) != 1 || h.URLs[0] != want ||
		len(h.Robots) != 1 || h.Robots[0].Origin != "http://a.test" || len(h.Failed) != 1 || h.Failed[0].Cause != "404" ||
		len(h.Requests) != 1 || h.Requests[0].DurationMS != 31 || h.Revision == "" || h.Host != "a.test" {
		t.Errorf("the host is %+v", h)
	}
	a.want(t, http.StatusOK, `"rules": {`, `"at": "2026-03-01T11:00:00Z"`, `"unavailable": ""`)
	s.get(t, apiRoot+"/jobs/news/hosts/b.test").wantError(t, http.StatusNotFound, "b.test")
	s.get(t, apiRoot+"/jobs/news/hosts/a:b:c").wantError(t, http.StatusNotFound, "is not a host")
	s.get(t, apiRoot+"/jobs/olds/hosts/a.test").wantError(t, http.StatusNotFound, "olds")
	s.get(t, apiRoot+"/jobs/news/hosts/a.test?x=1").wantError(t, http.StatusBadRequest, "unknown parameter")
}

func TestTheAPIChangesTheRulesOfAHost(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.troubledHost(t, "news")
	const path = "/jobs/news/hosts/a.test"
	var before, after hostDetail
	s.get(t, apiRoot+path).read(t, &before)
	s.patch(t, path, `{"delay": "5s", "ask": ["/cal/*"], "paused": true}`, "If-Match", `"`+before.Revision+`"`).
		read(t, &after)
	if r := after.Rules; r.Delay == nil || *r.Delay != 5*time.Second || !r.Paused || len(r.Ask) != 1 ||
		after.Revision == before.Revision || after.ConsecutiveFailures != 3 {
		t.Errorf("after the change, the host is %+v", after)
	}
	s.patch(t, path, `{"pages": 7}`, "If-Match", `"`+before.Revision+`"`).wantError(t, http.StatusPreconditionFailed,
		"changed in the meantime", after.Revision)
	s.patch(t, path, `{"pages": 7, "retry": true}`, "If-Match", "*").read(t, &after)
	if after.Rules.Pages != 7 || after.Rules.Delay == nil || after.ConsecutiveFailures != 0 {
		t.Errorf("after the second change, the host is %+v", after)
	}
	s.patch(t, path, `{"paused": null, "delay": null, "pages": null, "ask": null}`).read(t, &after)
	if after.Revision != before.Revision {
		t.Errorf("after the reset, the rules are %+v", after.Rules)
	}
	for body, says := range map[string]string{
		`{}`: "no rules", `{"dealy": "5s"}`: `did you mean "delay"?`, `{"delay": "soon"}`: `delay: "soon" is not a duration`,
		`{"delay": 5}`: "delay", `{"pages": -1}`: "-1 is out of range", `{"pages": "many"}`: "pages",
		`{"ask": ["a b"]}`: "a b", `{"retry": 1}`: "retry: 1", `[]`: "send an object", `{`: "the body ends",
		`{"paused": true} {}`: "more than one",
	} {
		s.patch(t, path, body).wantError(t, http.StatusBadRequest, says)
	}
	s.patch(t, "/jobs/news/hosts/b.test", `{"paused": true}`).wantError(t, http.StatusNotFound, "b.test")
	s.ask(t, http.MethodPatch, apiRoot+path, strings.NewReader(`{}`), "Content-Type", "text/plain").
		wantError(t, http.StatusUnsupportedMediaType, "merge-patch")
	readOnly := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.ReadOnly = true })
	readOnly.troubledHost(t, "news")
	readOnly.patch(t, path, `{"paused": true}`).wantError(t, http.StatusForbidden, "read-only")
}

// hidden matches the hidden fields of a form.
var hidden = regexp.MustCompile(`<input type="hidden" name="(created|revision)" value="([^"]*)">`)

// form returns the hidden fields of the forms of a page, with further fields.
func (a answer) form(fields ...string) url.Values {
	values := make(url.Values)
	for _, match := range hidden.FindAllStringSubmatch(a.body, -1) {
		values.Set(match[1], match[2])
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return values
}

func (s *testDashboard) send(t testing.TB, path string, form url.Values) answer {
	t.Helper()
	return s.post(t, path, "application/x-www-form-urlencoded", form.Encode())
}

func (s *testDashboard) rules(t testing.TB) crawler.HostRules {
	t.Helper()
	h, err := s.Host(t.Context(), "news", "a.test")
	if err != nil {
		t.Fatal(err)
	}
	return h.Rules
}

func TestButtonsOfAHostChangeItsRules(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.troubledHost(t, "news")
	const page, action = "/jobs/news/hosts/a.test", "/jobs/news/hosts/a.test/rules"
	shown := s.get(t, page)
	shown.want(t, http.StatusOK, `value="pause">Pause</button>`, `value="retry">Retry now</button>`,
		"Fetch them all the same",
		"Last failures", "Last requests", `data-label="Took">31 ms<`, "the server answered 404")
	shown.wantNoMarkup(t)
	a := s.send(t, action, shown.form("do", "pause"))
	a.want(t, http.StatusSeeOther)
	if to := a.header.Get("Location"); to != page+"?done=pause" || !s.rules(t).Paused {
		t.Errorf("after Pause, the page is %s, and the rules %+v", to, s.rules(t))
	}
	s.send(t, action, shown.form("do", "ask", "pattern", "/cal/*")).want(t, http.StatusConflict,
		"rules of host a.test were changed since")
	now := s.get(t, page+"?done=pause")
	now.want(t, http.StatusOK, "The host is paused.", `value="resume">Resume</button>`)
	s.send(t, action, now.form("do", "ask", "pattern", "/cal/*")).want(t, http.StatusSeeOther)
	s.send(t, action, s.get(t, page).form("do", "retry")).want(t, http.StatusSeeOther)
	s.send(t, action, s.get(t, page).form("do", "resume")).want(t, http.StatusSeeOther)
	if r := s.rules(t); r.Paused || len(r.Ask) != 1 || contains(s.get(t, page).body, "Retry now") {
		t.Errorf("after all buttons, the rules are %+v", r)
	}
	s.send(t, action, s.get(t, page).form("do", "explode")).want(t, http.StatusBadRequest, "is not a button")
	s.send(t, action, url.Values{"do": {"pause"}}).want(t, http.StatusConflict, "created again")
	form := s.get(t, page).form("do", "pause")
	form.Del("revision")
	s.send(t, action, form).want(t, http.StatusBadRequest, "no revision")
	s.send(t, "/jobs/news/hosts/b.test/rules", s.get(t, page).form("do", "pause")).want(t, http.StatusNotFound, "b.test")
	readOnly := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.ReadOnly = true })
	readOnly.troubledHost(t, "news")
	for _, at := range []string{page, action} {
		if a := readOnly.get(t, at); a.status != http.StatusOK || contains(a.body, `method="post"`) {
			t.Errorf("read-only, %s has status %d and the forms\n%s", at, a.status, a.body)
		}
	}
}

func TestTheFormOfAHostChangesItsRules(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.troubledHost(t, "news")
	const action = "/jobs/news/hosts/a.test/rules"
	shown := s.get(t, action)
	shown.want(t, http.StatusOK, `name="delay" value=""`, "The job's is 1s.", "<code>/cal/*</code>")
	a := s.send(t, action, shown.form("do", "set", "delay", "5s", "pages", "50", "ask", "/cal/*\r\n/b/*\r\n"))
	a.want(t, http.StatusSeeOther)
	if r := s.rules(t); r.Delay == nil || *r.Delay != 5*time.Second || r.Pages != 50 || len(r.Ask) != 2 ||
		!strings.HasSuffix(a.header.Get("Location"), "?done=changed") {
		t.Errorf("the rules are %+v, the next page %s", r, a.header.Get("Location"))
	}
	s.send(t, action, shown.form("do", "set", "delay", "9s")).want(t, http.StatusConflict,
		"Someone else has changed the rules", "they are delay 5s, budget of pages 50", `name="delay" value="9s"`)
	again := s.get(t, action)
	again.want(t, http.StatusOK, `name="delay" value="5s"`, `name="pages" value="50"`, "/cal/*\n/b/*")
	a = s.send(t, action, again.form("do", "set", "delay", "5s", "pages", "50", "ask", "/cal/*\n/b/*"))
	if a.want(t, http.StatusSeeOther); !strings.HasSuffix(a.header.Get("Location"), "?done=same") {
		t.Errorf("without a change, the next page is %s", a.header.Get("Location"))
	}
	for _, c := range [][]string{{"delay", "soon", "&#34;soon&#34; is not a duration"},
		{"pages", "many", "is not a whole number"},
		{"pages", "-1", "-1 is out of range"}, {"ask", "a b", "is not a pattern"}} {
		s.send(t, action, again.form("do", "set", c[0], c[1])).want(t, http.StatusBadRequest, "Nothing was changed", c[2])
	}
	s.send(t, action, again.form("do", "set")).want(t, http.StatusSeeOther)
	if r := s.rules(t); rulesRevision(r) != rulesRevision(crawler.HostRules{}) {
		t.Errorf("after empty fields, the rules are %+v", r)
	}
	s.get(t, "/jobs/news/hosts/b.test/rules").want(t, http.StatusNotFound, "does not know this host")
}
