package trawl_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestALiteralOfAJobGetsTheDefaults(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(3), "/")
	b.job = trawl.Job{Name: b.job.Name, Seeds: b.job.Seeds,
		PolitenessSettings: trawl.PolitenessSettings{UserAgent: "Tester/1.0", Delay: time.Millisecond, PerHost: 2},
		BudgetSettings:     trawl.BudgetSettings{Pages: 100},
	}
	if n := b.crawl(); n.Pages() != 3 {
		t.Errorf("%d pages, want 3: links are followed", n.Pages())
	}
	for _, r := range b.site.Requests() {
		if r.UserAgent != "Tester/1.0" {
			t.Errorf("%s was requested by %q", r.Path, r.UserAgent)
		}
	}
}

func TestAJobThatIsNoLiteralKeepsItsZeros(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(3), "/")
	b.job.Depth, b.job.Contact = 0, ""
	if n := b.crawl(); n.Pages() != 1 {
		t.Errorf("%d pages, want 1: depth is 0", n.Pages())
	}
	b.job.Name, b.job.UserAgent = redistest.Name(t), "" // the other settings of NewJob stay
	if _, err := trawl.Crawl(t.Context(), b.job, b.cfg); err == nil || !strings.Contains(err.Error(), "Job.UserAgent") {
		t.Errorf("a job without a user agent: %v", err)
	}
}

// flagName matches the name of a flag of the command.
var flagName = regexp.MustCompile(`--[a-z]`)

func TestErrorsNameSettingsAsGoDoes(t *testing.T) {
	t.Parallel()
	redis := redistest.New(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	used := t.TempDir()
	crawl := func(change func(*trawl.Job, *trawl.Config)) error {
		job, cfg := trawl.NewJob("shop", "http://127.0.0.1:1/"), trawl.Config{Out: t.TempDir(), Log: discardLogger()}
		change(&job, &cfg)
		_, err := trawl.Crawl(t.Context(), job, cfg)
		return err
	}
	start := func(change func(*trawl.Job)) error {
		client, err := trawl.Connect(t.Context(), redis)
		if err != nil {
			return err
		}
		defer client.Close()
		job := trawl.NewJob("shop", "http://127.0.0.1:1/")
		change(&job)
		return client.Create(t.Context(), job)
	}
	if err := os.WriteFile(filepath.Join(used, "shop"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a job without a name": {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Name = "" }), "Job.Name: it is empty"},
		"a name":               {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Name = "My Shop" }), `Job.Name: "My Shop"`},
		"pages":                {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Pages = -1 }), `Job.Pages: "-1"`},
		"a duration":           {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Delay = -time.Second }), `Job.Delay: "-1s"`},
		"a pattern":            {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Include = []string{"("} }), "Job.Include"},
		"a rule": {crawl(func(j *trawl.Job, _ *trawl.Config) {
			j.FollowRules = []trawl.FollowRule{{Match: "("}}
		}), "Job.FollowRules[0]"},
		"a field": {crawl(func(j *trawl.Job, _ *trawl.Config) { j.Select = []string{"=h1"} }), "Job.Select"},
		"a login": {crawl(func(j *trawl.Job, _ *trawl.Config) {
			j.Seeds = []string{"http://user:secret@127.0.0.1/"}
		}), "user name or a password"},
		"a folder": {crawl(func(_ *trawl.Job, c *trawl.Config) { c.Out = file }), "Config.Out"},
		"a file in the way of the job's folder": {crawl(func(_ *trawl.Job, c *trawl.Config) { c.Out = used }),
			"Config.Out"},
		"a bucket": {crawl(func(_ *trawl.Job, c *trawl.Config) { c.Out = "s3://bucket" }), "Config.Out"},
		"a Redis":  {crawl(func(_ *trawl.Job, c *trawl.Config) { c.Redis = "nonsense" }), "nonsense"},
		"a Redis that does not respond": {crawl(func(_ *trawl.Job, c *trawl.Config) {
			c.Redis = "redis://127.0.0.1:1/0"
		}), "127.0.0.1:1"},
		"a header": {crawl(func(_ *trawl.Job, c *trawl.Config) {
			c.Access = []trawl.AccessRule{{Hosts: []string{"x.example"}, Header: map[string][]string{"User-Agent": {"x"}}}}
		}), "Config.Access[0]"},
		"a proxy": {crawl(func(_ *trawl.Job, c *trawl.Config) {
			c.Access = []trawl.AccessRule{{Proxies: []string{"ftp://x.example"}}}
		}), "Config.Access[0]"},
		"a job of a fleet":         {start(func(j *trawl.Job) { j.PerHost = 1000 }), `Job.PerHost: "1000"`},
		"a worker without a Redis": {trawl.Work(t.Context(), trawl.Config{}), "Config.Redis"},
		"a fleet on a bucket": {func() error {
			_, err := trawl.Open(t.Context(), trawl.Config{Out: "s3://bucket"})
			return err
		}(), "Config.Redis"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || flagName.MatchString(c.err.Error()) {
			t.Errorf("%s: the error is %v, want one with %q and without a flag", name, c.err, c.want)
		}
	}
	err := crawl(func(j *trawl.Job, _ *trawl.Config) { j.Pages = -1 })
	var setting *trawl.SettingError
	if !errors.As(err, &setting) || setting.Path != "pages" {
		t.Errorf("%v wraps %+v, want the error of the setting pages", err, setting)
	}
}

func TestReasonsOnRecordNameSettingsAsGoDoes(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	h := trawl.NewHandlers("shop")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error {
		return p.Seed(p.Job(), "http://127.0.0.2:8001/", "http://192.0.2.1:1/")
	})
	b.crawl(h)
	records := b.records()
	for url, want := range map[string]string{
		"http://127.0.0.2:8001/": "Config.AllowCIDR 127.0.0.0/8 or Config.AllowPrivate opens it",
		"http://192.0.2.1:1/":    "Config.AllowCIDR",
	} {
		r := records[url]
		if r.ErrorClass != trawl.ErrorBlocked || !strings.Contains(r.Error, want) || flagName.MatchString(r.Error) {
			t.Errorf("%s failed as %q: %q, want %q", url, r.ErrorClass, r.Error, want)
		}
	}
}

// nilSets have a function that is nil each.
var nilSets = map[string]func(*trawl.Handlers){
	"OnPage":    func(h *trawl.Handlers) { h.OnPage("", nil) },
	"OnType":    func(h *trawl.Handlers) { h.OnType("text/html", nil) },
	"OnHTML":    func(h *trawl.Handlers) { h.OnHTML("a", nil) },
	"OnError":   func(h *trawl.Handlers) { h.OnError(nil) },
	"OnRequest": func(h *trawl.Handlers) { h.OnRequest(nil) },
	"Sink":      func(h *trawl.Handlers) { h.Sink(nil) },
}

func TestAFunctionThatIsNilIsRefusedWithItsLine(t *testing.T) {
	t.Parallel()
	for method, register := range nilSets {
		h := trawl.NewHandlers("shop")
		register(h)
		for name, err := range map[string]error{
			"Crawl": second(trawl.Crawl(t.Context(), trawl.NewJob("shop", "http://127.0.0.1:1/"), trawl.Config{}, h)),
			"Open":  second(trawl.Open(t.Context(), trawl.Config{Out: t.TempDir()}, h)),
			"Work":  trawl.Work(t.Context(), trawl.Config{Redis: "redis://127.0.0.1:1/0"}, h),
		} {
			if err == nil || !strings.Contains(err.Error(), method) || !strings.Contains(err.Error(), "is nil (job_test.go:") {
				t.Errorf("%s of a nil function, then %s: %v", method, name, err)
			}
		}
	}
}

func TestHandlersThatAreNilAreRefusedWithTheLine(t *testing.T) {
	t.Parallel()
	_, err := trawl.Open(t.Context(), trawl.Config{Out: t.TempDir()}, trawl.NewHandlers("shop"), nil)
	if err == nil || !strings.Contains(err.Error(), "set 2 is nil") || !strings.Contains(err.Error(), "(job_test.go:") {
		t.Errorf("Open with handlers that are nil: %v", err)
	}
	for method, register := range nilSets {
		func() {
			defer func() {
				text, _ := recover().(string)
				if !strings.Contains(text, method) || !strings.Contains(text, "(job_test.go:") {
					t.Errorf("%s of handlers that are nil panics with %q", method, text)
				}
			}()
			register(nil)
		}()
	}
}

// second returns the second of two values.
func second[T any](_ T, err error) error { return err }
