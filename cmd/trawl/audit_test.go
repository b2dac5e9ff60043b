package main_test

import (
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// auditReport has the fields of trawl audit --json that the tests check.
type auditReport struct {
	Requests int64 `json:"requests"`
	Hosts    struct {
		Number     int64   `json:"number"`
		SmallestMS float64 `json:"smallest_ms"`
		At         string  `json:"at"`
		TooSmall   int64   `json:"too_small"`
	} `json:"hosts"`
	Addresses struct {
		Number     int64   `json:"number"`
		SmallestMS float64 `json:"smallest_ms"`
	} `json:"addresses"`
	Robots     map[string]int64 `json:"robots"`
	RetryAfter map[string]int64 `json:"retry_after"`
	Violations int64            `json:"violations"`
	Examples   []string         `json:"examples"`
}

// audit runs trawl audit --json on a folder.
func (s *shell) audit(dir string, status int) (a auditReport) {
	s.t.Helper()
	e := s.run("audit", dir, "--json").exits(status)
	if err := json.Unmarshal([]byte(e.stdout), &a); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// auditPrints runs trawl audit on a folder and checks its text output.
func (s *shell) auditPrints(dir string, status int, saying ...string) {
	s.t.Helper()
	e := s.run("audit", dir).exits(status)
	for _, text := range saying {
		if !strings.Contains(e.stdout, text) {
			s.t.Errorf("the audit does not print %q, but:\n%s", text, e.stdout)
		}
	}
}

func TestTheAuditAgreesWithTheServersLog(t *testing.T) {
	t.Parallel()
	const delay = 60 * time.Millisecond
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 8, PagesPerHost: 12, LinksPerPage: 5, Seed: 8}
	site := g.Serve(t)
	site.Robots("User-agent: *\nDisallow: /page/3\n")
	var asked atomic.Int64
	site.Handle("/page/4", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 { // once, for the first host
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	args := []string{"crawl", "--delay", delay.String(), "--out", "site", "--throttle", "0"}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	s.run(args...).exits(done)
	got := s.audit("site", done)
	if n := int64(len(site.Requests())); got.Requests != n {
		t.Errorf("the audit counts %d requests, the site %d", got.Requests, n)
	}
	if got.Hosts.Number != 8 || got.Hosts.TooSmall != 0 || got.Hosts.SmallestMS < float64(delay.Milliseconds()) {
		t.Errorf("the audit reports %+v for 8 hosts", got.Hosts)
	}
	if diff := cmp.Diff(map[string]int64{"asked": 1, "ignored": 0}, got.RetryAfter); diff != "" {
		t.Errorf("Retry-After (-want +got):\n%s", diff)
	}
	want := map[string]int64{"asked": 8, "obeyed": got.Requests - 8, "forbidden": 0, "unknown": 0, "ignored": 0}
	if diff := cmp.Diff(want, got.Robots); diff != "" {
		t.Errorf("robots.txt (-want +got):\n%s", diff)
	}
}

func TestHostsOnOneAddressShareItsDelay(t *testing.T) {
	t.Parallel()
	const delay = 80 * time.Millisecond
	s := newShell(t)
	s.withRedis()
	args := []string{"crawl", "--delay", "0", "--address-delay", delay.String(), "--out", "site", "--job", "shared"}
	for range 4 { // one address, four ports: four hosts
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<a href="/1">1</a><a href="/2">2</a>`)
		}))
		t.Cleanup(server.Close)
		args = append(args, server.URL+"/")
	}
	s.run(args...).exits(done)
	got := s.audit("site", done)
	if got.Requests != 16 || got.Hosts.Number != 4 || got.Addresses.Number != 1 {
		t.Errorf("%d requests to %d hosts at %d addresses, want 16, 4 and 1", got.Requests, got.Hosts.Number,
			got.Addresses.Number)
	}
	if got.Addresses.SmallestMS < float64(delay.Milliseconds()) {
		t.Errorf("two requests to the address are %vms apart, want %v", got.Addresses.SmallestMS, delay)
	}
}

// journalWriter writes the lines of a request journal. Start times are milliseconds after a
// fixed time.
type journalWriter struct {
	strings.Builder
	job string // default "j"
}

// forJob sets the job of the next requests.
func (j *journalWriter) forJob(job string) *journalWriter {
	j.job = job
	return j
}

func (j *journalWriter) request(ms int, worker, url, more string) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
	fmt.Fprintf(j, `{"start":%q,"job":%q,"worker":%q,"url":%q,"status":200,"address":"192.0.2.1:80",%s}`+"\n",
		at.Format("2006-01-02T15:04:05.000000Z"), stdcmp.Or(j.job, "j"), worker, url, more)
}

func TestAnAuditFindsPolitenessViolations(t *testing.T) {
	t.Parallel()
	const rules = `"rules":{"origin":"http://a.test","at":"2026-01-02T03:04:05.000Z","token":"Trawl","text":"user-agent: trawl\ndisallow: /no"}`
	for name, c := range map[string]struct {
		lines func(one, two *journalWriter)
		want  string // in the one example; "" for no violation
	}{
		"a gap over two workers": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/robots.txt", `"gap_ms":1000,"robots":"asked"`)
			two.request(999, "two", "http://a.test/", `"gap_ms":1000,"robots":"obeyed",`+rules)
		}, "job j sent a request to a.test at 2026-01-02T03:04:05.999000Z, 999ms after the previous request, but the gap had to be 1s"},
		"a gap that is just long enough": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/robots.txt", `"gap_ms":1000,"robots":"asked"`)
			two.request(1000, "two", "http://a.test/", `"gap_ms":1000,"robots":"obeyed",`+rules)
		}, ""},
		"two hosts": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/robots.txt", `"gap_ms":1000,"robots":"asked"`)
			two.request(0, "two", "http://b.test/robots.txt", `"gap_ms":1000,"robots":"asked"`)
		}, ""},
		"a request that robots.txt disallows": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/", `"gap_ms":0,"robots":"obeyed",`+rules)
			one.request(1, "one", "http://a.test/no/1", `"gap_ms":0,"robots":"obeyed"`)
		}, "http://a.test/no/1: worker one requested it although robots.txt forbids it"},
		"a request that another robots.txt allows": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/", `"gap_ms":0,"robots":"obeyed",`+rules)
			two.request(1, "two", "http://a.test/yes", `"gap_ms":0,"robots":"obeyed"`)
		}, "http://a.test/yes: worker two requested it without a robots.txt"},
		"robots.txt ignored as the job says": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/no", `"gap_ms":0,"robots":"ignored"`)
		}, ""},
		"Retry-After": {func(one, two *journalWriter) {
			one.request(0, "one", "http://a.test/",
				`"duration_ms":10,"gap_ms":0,"retry_after_ms":2000,"robots":"ignored"`)
			one.request(5, "one", "http://a.test/under-way", `"gap_ms":0,"robots":"ignored"`)
			two.request(2009, "two", "http://a.test/early", `"gap_ms":0,"robots":"ignored"`)
			two.request(2010, "two", "http://a.test/late", `"gap_ms":0,"robots":"ignored"`)
		}, "job j sent a request to a.test at 2026-01-02T03:04:07.009000Z, 1ms before the end of its Retry-After"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			if err := os.Mkdir(s.path("out"), 0o755); err != nil {
				t.Fatal(err)
			}
			var one, two journalWriter
			c.lines(&one, &two)
			s.write("out/requests-one-00001.jsonl", one.String())
			s.write("out/requests-two-00001.jsonl.open", two.String()+`{"start":"torn`)
			if c.want == "" {
				s.audit("out", done)
				s.auditPrints("out", done, "no violation")
				return
			}
			got := s.audit("out", failed)
			if got.Violations != 1 || len(got.Examples) != 1 || !strings.Contains(got.Examples[0], c.want) {
				t.Errorf("the audit finds %d violations, %q; want %q", got.Violations, got.Examples, c.want)
			}
			s.auditPrints("out", failed, "violation: "+got.Examples[0], "1 violation")
		})
	}
}

func TestAnAuditCoversAllJobsOfAFleet(t *testing.T) {
	t.Parallel()
	const free = `"robots":"ignored"`
	for name, c := range map[string]struct {
		lines func(ja, jb *journalWriter)
		small float64
		owed  float64
		want  string // in the one example; "" for no violation
	}{
		"a gap between two jobs": {func(ja, jb *journalWriter) {
			ja.forJob("ja").request(0, "w", "http://a.test/", `"gap_ms":1000,`+free)
			jb.forJob("jb").request(400, "w", "http://a.test/", `"gap_ms":1000,`+free)
		}, 400, 1000, "job jb sent a request to a.test at 2026-01-02T03:04:05.400000Z, 400ms after the previous request, of job ja, but the gap had to be 1s"},
		"the longer gap of an earlier job": {func(ja, jb *journalWriter) {
			ja.forJob("ja").request(0, "w", "http://a.test/1", `"gap_ms":3000,`+free)
			jb.forJob("jb").request(1000, "w", "http://a.test/2", `"gap_ms":500,`+free)
			ja.forJob("ja").request(4000, "w", "http://a.test/3", `"gap_ms":3000,`+free)
		}, 1000, 3000, "1s after the previous request, of job ja, but the gap had to be 3s"},
		"the longer gap of a job that has ended": {func(ja, jb *journalWriter) {
			ja.forJob("ja").request(0, "w", "http://a.test/1", `"gap_ms":3000,`+free)
			jb.forJob("jb").request(1000, "w", "http://a.test/2", `"gap_ms":500,`+free)
			jb.forJob("jb").request(1500, "w", "http://a.test/3", `"gap_ms":500,`+free)
		}, 500, 3000, ""},
		"jobs that take turns": {func(ja, jb *journalWriter) {
			for i := range 4 {
				ja.forJob("ja").request(4000*i, "w", "http://a.test/1", `"gap_ms":2000,`+free)
				jb.forJob("jb").request(4000*i+2000, "w", "http://a.test/2", `"gap_ms":2000,`+free)
			}
		}, 2000, 2000, ""},
		"Retry-After that another job was told": {func(ja, jb *journalWriter) {
			ja.forJob("ja").request(0, "w", "http://a.test/", `"retry_after_ms":9000,"gap_ms":0,`+free)
			jb.forJob("jb").request(4000, "w", "http://a.test/", `"gap_ms":0,`+free)
		}, 4000, 0, "job jb sent a request to a.test at 2026-01-02T03:04:09.000000Z, 5s before the end of its Retry-After"},
		"a job with politeness: job": {func(ja, jb *journalWriter) {
			ja.forJob("ja").request(0, "w", "http://a.test/", `"gap_ms":1000,`+free)
			jb.forJob("jb").request(1, "w", "http://a.test/", `"politeness":"job","gap_ms":0,`+free)
		}, -1, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			for _, dir := range []string{"out/ja", "out/jb/earlier-20260101T000000.000Z", "out/.spool"} {
				if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var ja, jb journalWriter
			c.lines(&ja, &jb)
			s.write("out/ja/requests-w-00001.jsonl", ja.String())
			s.write("out/jb/requests-w-00001.jsonl", jb.String())
			s.write("out/jb/earlier-20260101T000000.000Z/requests-w-00001.jsonl", ja.String())
			status := done
			if c.want != "" {
				status = failed
			}
			for _, args := range [][]string{{"out"}, {"out/ja", "out/jb"}, {"out", "out/jb"},
				{"ja", "jb", "--out", "out"}} {
				var got struct {
					auditReport
					Hosts struct {
						SmallestMS float64 `json:"smallest_ms"`
						OwedMS     float64 `json:"owed_ms"`
					} `json:"hosts"`
				}
				end := s.run(append([]string{"audit", "--json"}, args...)...).exits(status)
				if err := json.Unmarshal([]byte(end.stdout), &got); err != nil {
					t.Fatal(err)
				}
				if got.Hosts.SmallestMS != c.small || got.Hosts.OwedMS != c.owed {
					t.Errorf("audit %v: smallest gap %vms of %vms owed, want %v and %v", args, got.Hosts.SmallestMS,
						got.Hosts.OwedMS, c.small, c.owed)
				}
				if output := strings.Join(got.Examples, "\n"); (c.want != "") != (got.Violations == 1) ||
					!strings.Contains(output, c.want) {
					t.Errorf("audit %v: %d violations, %q; want %q", args, got.Violations, output, c.want)
				}
			}
		})
	}
}

func TestAnAuditWithoutAJournalIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.run("audit", "nowhere").exits(usage, `"nowhere" does not exist`)
	s.run("audit").exits(usage)
	site := testsite.Graph{Hosts: 1, PagesPerHost: 2, LinksPerPage: 1}.Serve(t)
	s.withoutRedis()
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--journal=false", "--out", "quiet").exits(done)
	s.run("audit", "quiet").exits(usage, "contains no request journal")
}
