package dashboard

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAJobIsCreatedOverTheDefaults(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	a := s.post(t, "/api/v1/jobs", "application/json",
		`{"name": "news", "seeds": ["https://example.com/"], "delay": "250ms"}`)
	a.want(t, http.StatusCreated, `"name": "news"`, `"state": "running"`)
	if at := a.header.Get("Location"); at != "/api/v1/jobs/news" {
		t.Errorf("Location is %q", at)
	}
	want := crawler.DefaultJob()
	want.Name, want.Seeds, want.Delay = "news", []string{"https://example.com/"}, 250*time.Millisecond
	status, err := s.Status(t.Context(), "news")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, status.Job); diff != "" {
		t.Error(diff)
	}
}

func TestAJobIsShownWithStateAndCountersInOneObject(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.status.Reason = "its hour came"
		r.counters = crawler.Counters{Seen: 9, Waiting: 3,
			Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 5}}
	})
	var shown struct {
		Name, State, Reason string
		Created, Started    time.Time
		Ended               *time.Time
		Counters            crawler.Counters
		Job                 crawler.Job
	}
	s.get(t, "/api/v1/jobs/news").read(t, &shown)
	if shown.Name != "news" || shown.State != "running" || shown.Reason != "its hour came" {
		t.Errorf("%+v", shown)
	}
	if shown.Created.IsZero() || shown.Started.IsZero() || shown.Ended != nil {
		t.Errorf("created %v, started %v, ended %v", shown.Created, shown.Started, shown.Ended)
	}
	if shown.Counters.Seen != 9 || shown.Counters.Pages() != 5 || shown.Job.Name != "news" {
		t.Errorf("%+v", shown)
	}
}

func TestAllJobsAreListed(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/api/v1/jobs").want(t, http.StatusOK, `"jobs": []`)
	s.job(t, "one")
	s.job(t, "two")
	s.change("two", func(r *fakeJob) { r.broken = errors.New("WRONGTYPE") })
	var list struct{ Jobs []sheet }
	s.get(t, "/api/v1/jobs").read(t, &list)
	if len(list.Jobs) != 2 || list.Jobs[0].Name != "one" || list.Jobs[0].Counters == nil {
		t.Fatalf("%+v", list)
	}
	if two := list.Jobs[1]; two.Counters != nil || two.Trouble != "WRONGTYPE" {
		t.Errorf("a job whose counters cannot be read is shown as %+v", two)
	}
}

func TestJobsAreListedByTheirStateAndTheJobTheyAreRunsOf(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for _, name := range []string{"one", "two", "daily-1"} {
		s.job(t, name)
	}
	s.change("two", func(r *fakeJob) { r.status.State = crawler.StatePaused })
	s.change("daily-1", func(r *fakeJob) { r.status.State, r.status.RunOf = crawler.StateDone, "daily" })
	for query, want := range map[string][]string{
		"":                           {"one", "two", "daily-1"},
		"?state=running":             {"one"},
		"?state=running,paused":      {"one", "two"},
		"?state=done&state=paused":   {"two", "daily-1"},
		"?state=failed":              nil,
		"?run_of=daily":              {"daily-1"},
		"?run_of=daily&state=done":   {"daily-1"},
		"?run_of=daily&state=paused": nil,
		"?state=":                    {"one", "two", "daily-1"},
	} {
		var list struct{ Jobs []sheet }
		s.get(t, "/api/v1/jobs"+query).read(t, &list)
		var names []string
		for _, j := range list.Jobs {
			names = append(names, j.Name)
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("%q: %q, want %q", query, names, want)
		}
	}
	for query, why := range map[string]string{
		"?state=runing": `"runing" is not a state of a job (did you mean "running"?): want `,
		"?stat=running": `unknown parameter "stat" (did you mean "state"?): want state or run_of`,
		"?state=%zz":    "cannot be parsed",
		"?limit=3":      `unknown parameter "limit"`,
	} {
		s.get(t, "/api/v1/jobs"+query).wantError(t, http.StatusBadRequest, why)
	}
}

func TestAJobIsSteered(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for _, step := range []struct{ verb, state string }{
		{"pause", "paused"}, {"pause", "paused"}, {"resume", "running"}, {"cancel", "cancelled"},
	} {
		s.post(t, "/api/v1/jobs/news/"+step.verb, "", "").want(t, http.StatusOK, `"state": "`+step.state+`"`)
	}
	s.post(t, "/api/v1/jobs/news/resume", "", "").wantError(t, http.StatusConflict, "has ended")
	s.job(t, "new")
	s.change("new", func(r *fakeJob) { r.status.State = crawler.StateCreated })
	s.post(t, "/api/v1/jobs/new/pause", "", "").wantError(t, http.StatusConflict, `"new" is created`,
		"does not allow it")
	s.ask(t, http.MethodDelete, "/api/v1/jobs/news", nil).want(t, http.StatusNoContent)
	s.get(t, "/api/v1/jobs/news").wantError(t, http.StatusNotFound, `"news"`, "no job")
}

func TestErrorsHaveTheirStatus(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	const json = "application/json"
	for name, c := range map[string]struct {
		method, path, kind, body string
		status                   int
		says                     string
	}{
		"a job that is not there": {"GET", "/api/v1/jobs/olds", "", "", 404, "no job of this name"},
		"nothing to pause":        {"POST", "/api/v1/jobs/olds/pause", "", "", 404, "no job"},
		"nothing to remove":       {"DELETE", "/api/v1/jobs/olds", "", "", 404, "no job"},
		"a name that is taken":    {"POST", "/api/v1/jobs", json, `{"name":"news"}`, 409, "exists"},
		"an unknown field": {
			"POST", "/api/v1/jobs", json, `{"name":"n","speed":9}`, 400, `"speed" is not a setting`,
		},
		"a value out of range": {
			"POST", "/api/v1/jobs", json, `{"name":"n","per_host":0}`, 400, "per_host: \"0\" is out of range",
		},
		"a name that can be none": {"POST", "/api/v1/jobs", json, `{"name":"A b"}`, 400, `"A b"`},
		"a seed that is no URL": {
			"POST", "/api/v1/jobs", json, `{"name":"n","seeds":["nowhere"]}`, 400, `"nowhere" is not a URL`,
		},
		"a string for a number": {
			"POST", "/api/v1/jobs", json, `{"name":"n","pages":"many"}`, 400,
			"pages: a JSON string is not valid here: want a whole number",
		},
		"a number for a duration": {
			"POST", "/api/v1/jobs", json, `{"name":"n","delay":5}`, 400,
			`delay: a JSON number is not valid here: want a string such as "500ms"`,
		},
		"a number for a duration that may be auto": {
			"POST", "/api/v1/jobs", json, `{"name":"n","address_delay":5}`, 400,
			`address_delay: a JSON number is not valid here: want a string such as "500ms"`,
		},
		"an invalid duration": {
			"POST", "/api/v1/jobs", json, `{"name":"n","delay":"soon"}`, 400, `"soon" is not a duration`,
		},
		"an array":   {"POST", "/api/v1/jobs", json, `[]`, 400, "a job is an object"},
		"half a job": {"POST", "/api/v1/jobs", json, `{"name":`, 400, "ends before the job does"},
		"no body":    {"POST", "/api/v1/jobs", json, ``, 400, "ends before the job does"},
		"two jobs":   {"POST", "/api/v1/jobs", json, `{"name":"n"} {}`, 400, "more than one job"},
		"no JSON":    {"POST", "/api/v1/jobs", json, `name: n`, 400, "not JSON, at byte"},
		"what curl -d says": {
			"POST", "/api/v1/jobs", "application/x-www-form-urlencoded", `{}`, 415,
			"send application/json or application/yaml",
		},
		"an unknown field in YAML": {
			"POST", "/api/v1/jobs", "application/yaml", "name: n\nspeed: 9\n", 400, `unknown field "speed"`,
		},
		"two jobs in YAML": {
			"POST", "/api/v1/jobs", "application/yaml", "name: n\n---\nname: m\n", 400, "a second document starts",
		},
		"a field twice in YAML": {
			"POST", "/api/v1/jobs", "application/yaml", "name: n\nname: m\n", 400, "already defined",
		},
		"brackets in brackets": {
			"POST", "/api/v1/jobs", "application/yaml", "name: n\nseeds: " + strings.Repeat("[", 20_000), 400,
			"20000 lists and maps start with a bracket",
		},
		"maps in maps": {
			"POST", "/api/v1/jobs", "text/yaml", strings.Repeat("{a: ", 20_000), 400, "start with a bracket",
		},
		"lists in lists": {
			"POST", "/api/v1/jobs", "application/yaml", "seeds:\n" + strings.Repeat("- ", 20_000), 400,
			"line 2: more than",
		},
		"aliases of aliases": {
			"POST", "/api/v1/jobs", "application/yaml",
			"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nseeds: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", 400, "its aliases expand to more than",
		},
		"a path that is not there":   {"GET", "/api/v1/hosts", "", "", 404, "openapi.json"},
		"another version":            {"GET", "/api/v2/jobs", "", "", 404, "openapi.json"},
		"a method that is not there": {"PUT", "/api/v1/jobs", "", "", 405, "takes GET, POST, not PUT"},
		"a verb that is only read":   {"GET", "/api/v1/jobs/news/pause", "", "", 405, "takes POST, not GET"},
		"an encoded slash in a name": {"GET", "/api/v1/jobs/a%2Fb", "", "", 404, "no job"},
		"a name full of script":      {"GET", "/api/v1/jobs/%3Cscript%3E", "", "", 404, "no job"},
		"seeds for nobody":           {"POST", "/api/v1/jobs/olds/seeds", "text/plain", "", 404, "no job"},
		"seeds of an unknown kind": {
			"POST", "/api/v1/jobs/news/seeds", "text/html", "", 415, "text/plain with one URL per line",
		},
		"a verb that a job lacks": {"PUT", "/api/v1/jobs/news", "", "", 405, "takes GET, PATCH, DELETE, not PUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var header []string
			if c.kind != "" {
				header = []string{"Content-Type", c.kind}
			}
			s.ask(t, c.method, c.path, readerOf(c.body), header...).wantError(t, c.status, c.says)
		})
	}
}

func TestAnUnknownMethodIsAnsweredWithTheAllowedOnes(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	if allow := s.ask(t, http.MethodPut, "/api/v1/jobs", nil).header.Get("Allow"); allow != "GET, POST" {
		t.Errorf("Allow: %q", allow)
	}
}

func TestAJobFileIsTakenAsYAML(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	file := "name: handbook\nseeds:\n  - https://debian-handbook.info/browse/stable/\ndelay: 2s\nbytes: 10MB\n"
	s.post(t, "/api/v1/jobs", "application/yaml", file).want(t, http.StatusCreated, `"delay": "2s"`, `"bytes": "10MB"`)
}

func TestAJobThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	const begin = `{"name": "n", "seeds": ["`
	body := io.MultiReader(readerOf(begin), io.LimitReader(endlessLine{}, maxBody))
	s.ask(t, http.MethodPost, "/api/v1/jobs", body, "Content-Type", "application/json").
		wantError(t, http.StatusRequestEntityTooLarge, "/seeds")
}

func TestWhenNoRedisAnswersTheAPISaysSo(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.fail(io.EOF)
	s.get(t, "/api/v1/jobs").wantError(t, http.StatusServiceUnavailable)
	s.get(t, "/api/v1/jobs/news").wantError(t, http.StatusServiceUnavailable)
	s.fail(errors.New("a bug"))
	s.get(t, "/api/v1/jobs").wantError(t, http.StatusInternalServerError, "a bug")
}

func TestHealthTellsTheProcessFromItsRedis(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/healthz").want(t, http.StatusOK, "alive")
	s.get(t, "/readyz").want(t, http.StatusOK, "ready")
	s.fail(errors.New("dial tcp 10.0.0.1:6379: refused"))
	s.get(t, "/healthz").want(t, http.StatusOK, "alive")
	a := s.get(t, "/readyz")
	a.wantError(t, http.StatusServiceUnavailable, "Redis does not respond")
	if want := "{\n  \"error\": \"Redis does not respond\"\n}\n"; a.body != want {
		t.Errorf("a client without a token gets %s", a.body)
	}
}

func TestARedisThatHangsIsNotReady(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.hang()
	s.get(t, "/readyz").wantError(t, http.StatusServiceUnavailable)
}
