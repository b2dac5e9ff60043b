package crawler

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestADefaultJobWithANameIsValid(t *testing.T) {
	t.Parallel()
	job := DefaultJob()
	for _, name := range []string{"a", "0", "docs-2026", strings.Repeat("a", 63)} {
		job.Name = name
		if err := job.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestASettingThatIsOutOfRangeIsNamedAndQuoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*Job)
		says   string
	}{
		{func(j *Job) { j.Name = "" }, `name: ""`},
		{func(j *Job) { j.Name = "Docs" }, `name: "Docs"`},
		{func(j *Job) { j.Name = "-a" }, `name: "-a"`},
		{func(j *Job) { j.Name = "a\n" }, `name: "a\n"`},
		{func(j *Job) { j.Name = strings.Repeat("a", 64) }, `name: "aaa`},
		{func(j *Job) { j.Scope = "web" }, `scope: "web"`},
		{func(j *Job) { j.ResourceScope = "" }, `resource_scope: ""`},
		{func(j *Job) { j.Depth = -2 }, `depth: "-2"`},
		{func(j *Job) { j.Pages = -1 }, `pages: "-1"`},
		{func(j *Job) { j.Bytes = -1 }, `bytes: "-1"`},
		{func(j *Job) { j.Time = Duration(-time.Second) }, `time: "-1s"`},
		{func(j *Job) { j.PagesPerHost = -1 }, `pages_per_host: "-1"`},
		{func(j *Job) { j.Delay = Duration(-time.Second) }, `delay: "-1s"`},
		{func(j *Job) { j.PerHost = 0 }, `per_host: "0"`},
		{func(j *Job) { j.PerHost = 257 }, `per_host: "257"`},
		{func(j *Job) { j.UserAgent = "" }, `user_agent: ""`},
		{func(j *Job) { j.UserAgent = "a\r\nb" }, `user_agent: "a\r\nb"`},
		{func(j *Job) { j.RobotsTries = 0 }, `robots_tries: "0"`},
		{func(j *Job) { j.CrawlDelayCap = -1 }, `crawl_delay_cap: "-1ns"`},
		{func(j *Job) { j.Retries = -1 }, `retries: "-1"`},
		{func(j *Job) { j.Retries = 101 }, `retries: "101"`},
		{func(j *Job) { j.RetryPause = -1 }, `retry_pause: "-1ns"`},
		{func(j *Job) { j.BodyLimit = 0 }, `body_limit: "0"`},
		{func(j *Job) { j.Timeout = 0 }, `timeout: "0s"`},
		{func(j *Job) { j.Shards = 0 }, `shards: "0"`},
		{func(j *Job) { j.Shards = 1025 }, `shards: "1025"`},
		{func(j *Job) { j.Weight = 0 }, `weight: "0"`},
		{func(j *Job) { j.Runs = -1 }, `runs: "-1"`},
		{func(j *Job) { j.Weight = 1001 }, `weight: "1001"`},
		{func(j *Job) { j.Select = []string{"title=h1", "h1"} }, `select: "h1"`},
		{func(j *Job) { j.Select = []string{"=h1"} }, `select: "=h1"`},
		{func(j *Job) { j.Select = []string{"title="} }, `select: "title="`},
		{func(j *Job) { j.Include = []string{"("} }, `include: "("`},
		{func(j *Job) { j.Exclude = []string{"("} }, `exclude: "("`},
	} {
		job := DefaultJob()
		job.Name = "a"
		c.change(&job)
		if err := job.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("got %v, want what begins with %s", err, c.says)
		}
	}
}

func TestFieldsAreSelectedByNameAndCSS(t *testing.T) {
	t.Parallel()
	job := DefaultJob()
	job.Name = "a"
	job.Select = []string{"title=h1", "links[]=a@href", "_x.y-1=.b > c"}
	if err := job.Validate(); err != nil {
		t.Error(err)
	}
}

func TestTheProductTokenIsWhatUserAgentBeginsWith(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		DefaultUserAgent:         "Trawl",
		"Trawl":                  "Trawl",
		"my_own-Bot/2.0":         "my_own-Bot",
		"Bot (+http://a.test/)":  "Bot",
		"Mozilla/5.0 (like Bot)": "Mozilla",
		"4bot":                   "",
	} {
		if got := (PolitenessSettings{UserAgent: agent}).ProductToken(); got != want {
			t.Errorf("%q has the product token %q, want %q", agent, got, want)
		}
	}
}

func TestAJobIsReadBackFromJSON(t *testing.T) {
	t.Parallel()
	want := DefaultJob()
	want.Name, want.Seeds, want.Bytes, want.Select = "a", []string{"http://a.test/"}, 10e9, []string{"title=h1"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Job
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestTheSeedsOfAJobComeFirst(t *testing.T) {
	t.Parallel()
	job := Job{Seeds: []string{"http://a.test", "HTTPS://b.test/c#d"}}
	want := []Entry{{URL: mustURL(t, "http://a.test/"), Band: BandFirst}, {URL: mustURL(t, "https://b.test/c"), Band: BandFirst}}
	got, err := job.SeedEntries()
	if diff := cmp.Diff(want, got, compareURLs); diff != "" || err != nil {
		t.Errorf("%v, seeds (-want +got):\n%s", err, diff)
	}
	job.Seeds = append(job.Seeds, "a.test")
	if _, err := job.SeedEntries(); err == nil || !strings.HasPrefix(err.Error(), `seeds: "a.test" is not a URL`) {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressHasADelayWhereLinksDecideWhichHostsThereAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Job)
		want   time.Duration
	}{
		"the hosts of the seeds":     {func(*Job) {}, 0},
		"their domains":              {func(j *Job) { j.Scope = ScopeDomain }, 3 * time.Second},
		"any host":                   {func(j *Job) { j.Scope = ScopeAny }, 3 * time.Second},
		"no delay":                   {func(j *Job) { j.Scope, j.Delay = ScopeAny, 0 }, 0},
		"a list":                     {func(j *Job) { j.Scope, j.Follow = ScopeAny, false }, 0},
		"several shards":             {func(j *Job) { j.Scope, j.Shards = ScopeAny, 4 }, 0},
		"one that is said":           {func(j *Job) { j.Scope, j.AddressDelay = ScopeAny, AutoDuration(time.Second) }, time.Second},
		"one that is said, for less": {func(j *Job) { j.AddressDelay = AutoDuration(time.Second) }, time.Second},
		"none that is said":          {func(j *Job) { j.Scope, j.AddressDelay = ScopeAny, 0 }, 0},
	} {
		j := DefaultJob()
		j.Name, j.Delay = "job", Duration(3*time.Second)
		c.change(&j)
		if err := j.Validate(); err != nil || j.AddressGap() != c.want {
			t.Errorf("%s: %v, %v; want %v", name, j.AddressGap(), err, c.want)
		}
	}
}
