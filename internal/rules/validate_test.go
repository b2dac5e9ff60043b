package rules

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestADefaultJobWithANameIsValid(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	for _, name := range []string{"a", "0", "docs-2026", strings.Repeat("a", 63)} {
		job.Name = name
		if err := Validate(job); err != nil {
			t.Error(err)
		}
	}
}

func TestASettingThatIsOutOfRangeIsNamedAndQuoted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*crawler.Job)
		says   string
	}{
		{func(j *crawler.Job) { j.Name = "" }, `name: ""`},
		{func(j *crawler.Job) { j.Name = "Docs" }, `name: "Docs"`},
		{func(j *crawler.Job) { j.Name = "-a" }, `name: "-a"`},
		{func(j *crawler.Job) { j.Name = "a\n" }, `name: "a\n"`},
		{func(j *crawler.Job) { j.Name = strings.Repeat("a", 64) }, `name: "aaa`},
		{func(j *crawler.Job) { j.Scope = "web" }, `scope: "web"`},
		{func(j *crawler.Job) { j.ResourceScope = "" }, `resource_scope: ""`},
		{func(j *crawler.Job) { j.Depth = -2 }, `depth: "-2"`},
		{func(j *crawler.Job) { j.Pages = -1 }, `pages: "-1"`},
		{func(j *crawler.Job) { j.Bytes = -1 }, `bytes: "-1"`},
		{func(j *crawler.Job) { j.Time = -time.Second }, `time: "-1s"`},
		{func(j *crawler.Job) { j.PagesPerHost = -1 }, `pages_per_host: "-1"`},
		{func(j *crawler.Job) { j.Delay = -time.Second }, `delay: "-1s"`},
		{func(j *crawler.Job) { j.PerHost = 0 }, `per_host: "0"`},
		{func(j *crawler.Job) { j.PerHost = 257 }, `per_host: "257"`},
		{func(j *crawler.Job) { j.UserAgent = "" }, `user_agent: ""`},
		{func(j *crawler.Job) { j.UserAgent = "a\r\nb" }, `user_agent: "a\r\nb"`},
		{func(j *crawler.Job) { j.RobotsTries = 0 }, `robots_tries: "0"`},
		{func(j *crawler.Job) { j.CrawlDelayCap = -1 }, `crawl_delay_cap: "-1ns"`},
		{func(j *crawler.Job) { j.Retries = -1 }, `retries: "-1"`},
		{func(j *crawler.Job) { j.Retries = 101 }, `retries: "101"`},
		{func(j *crawler.Job) { j.RetryPause = -1 }, `retry_pause: "-1ns"`},
		{func(j *crawler.Job) { j.BodyLimit = 0 }, `body_limit: "0"`},
		{func(j *crawler.Job) { j.Timeout = 0 }, `timeout: "0s"`},
		{func(j *crawler.Job) { j.Shards = 0 }, `shards: "0"`},
		{func(j *crawler.Job) { j.Shards = 1025 }, `shards: "1025"`},
		{func(j *crawler.Job) { j.Weight = 0 }, `weight: "0"`},
		{func(j *crawler.Job) { j.Runs = -1 }, `runs: "-1"`},
		{func(j *crawler.Job) { j.Weight = 1001 }, `weight: "1001"`},
		{func(j *crawler.Job) { j.MaxPrice, j.MaxSpend = "0.01", "USD 5" }, `max_price: "0.01" is no price`},
		{func(j *crawler.Job) { j.MaxPrice = "USD 0.01" }, `max_spend: "" is no price`},
		{func(j *crawler.Job) { j.MaxSpend = "USD 5" }, `max_price: "" is no price`},
		{func(j *crawler.Job) { j.MaxPrice, j.MaxSpend = "USD 6", "USD 5" },
			`max_spend: "USD 5" is less than max_price "USD 6"`},
		{func(j *crawler.Job) { j.MaxPrice, j.MaxSpend = "EUR 1", "USD 5" }, `max_spend: "USD 5" is less than`},
		{func(j *crawler.Job) { j.Select = []string{"title=h1", "h1"} }, `select: "h1"`},
		{func(j *crawler.Job) { j.Select = []string{"=h1"} }, `select: "=h1"`},
		{func(j *crawler.Job) { j.Select = []string{"title="} }, `select: "title="`},
		{func(j *crawler.Job) { j.Include = []string{"("} }, `include: "("`},
		{func(j *crawler.Job) { j.Exclude = []string{"("} }, `exclude: "("`},
	} {
		job := crawler.DefaultJob()
		job.Name = "a"
		c.change(&job)
		if err := Validate(job); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("got %v, want what begins with %s", err, c.says)
		}
	}
}

func TestFieldsAreSelectedByNameAndCSS(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name = "a"
	job.Select = []string{"title=h1", "links[]=a@href", "_x.y-1=.b > c"}
	if err := Validate(job); err != nil {
		t.Error(err)
	}
}

func TestTheProductTokenIsWhatUserAgentBeginsWith(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		crawler.DefaultJob().UserAgent: "Trawl",
		"Trawl":                        "Trawl",
		"my_own-Bot/2.0":               "my_own-Bot",
		"Bot (+http://a.test/)":        "Bot",
		"Mozilla/5.0 (like Bot)":       "Mozilla",
		"4bot":                         "",
	} {
		if got := (crawler.PolitenessSettings{UserAgent: agent}).ProductToken(); got != want {
			t.Errorf("%q has the product token %q, want %q", agent, got, want)
		}
	}
}

func TestAJobIsReadBackFromJSON(t *testing.T) {
	t.Parallel()
	want := crawler.DefaultJob()
	want.Name, want.Seeds, want.Bytes, want.Select = "a", []string{"http://a.test/"}, 10e9, []string{"title=h1"}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got crawler.Job
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func TestTheSeedsOfAJobComeFirst(t *testing.T) {
	t.Parallel()
	job := crawler.Job{Seeds: []string{"http://a.test", "HTTPS://b.test/c#d"}}
	want := []queue.Entry{{URL: mustURL(t, "http://a.test/"), Band: queue.BandFirst},
		{URL: mustURL(t, "https://b.test/c"), Band: queue.BandFirst}}
	got, err := SeedEntries(job)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(crawler.URL{})); diff != "" || err != nil {
		t.Errorf("%v, seeds (-want +got):\n%s", err, diff)
	}
	job.Seeds = append(job.Seeds, "a.test")
	if _, err := SeedEntries(job); err == nil || !strings.HasPrefix(err.Error(), `seeds: "a.test" is not a URL`) {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressHasADelayWhereLinksDecideWhichHostsThereAre(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		want   time.Duration
	}{
		"the hosts of the seeds": {func(*crawler.Job) {}, 0},
		"their domains":          {func(j *crawler.Job) { j.Scope = crawler.ScopeDomain }, 3 * time.Second},
		"any host":               {func(j *crawler.Job) { j.Scope = crawler.ScopeAny }, 3 * time.Second},
		"no delay":               {func(j *crawler.Job) { j.Scope, j.Delay = crawler.ScopeAny, 0 }, 0},
		"a list":                 {func(j *crawler.Job) { j.Scope, j.Follow = crawler.ScopeAny, false }, 0},
		"several shards":         {func(j *crawler.Job) { j.Scope, j.Shards = crawler.ScopeAny, 4 }, 0},
		"one that is said": {
			func(j *crawler.Job) { j.Scope, j.AddressDelay = crawler.ScopeAny, time.Second }, time.Second,
		},
		"one that is said, for less": {
			func(j *crawler.Job) { j.AddressDelay = time.Second }, time.Second,
		},
		"none that is said": {func(j *crawler.Job) { j.Scope, j.AddressDelay = crawler.ScopeAny, 0 }, 0},
	} {
		j := crawler.DefaultJob()
		j.Name, j.Delay = "job", 3*time.Second
		c.change(&j)
		if err := Validate(j); err != nil || j.AddressGap() != c.want {
			t.Errorf("%s: %v, %v; want %v", name, j.AddressGap(), err, c.want)
		}
	}
}

func TestOnlyAJobThatKeepsMarkdownAloneMayAskForIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		ok     bool
	}{
		"Markdown in records": {func(j *crawler.Job) { j.Markdown = true }, true},
		"Markdown in files":   {func(j *crawler.Job) { j.Format = []string{"jsonl", "markdown"} }, true},
		"no Markdown":         {func(*crawler.Job) {}, false},
		"an archive":          {func(j *crawler.Job) { j.Markdown, j.Format = true, []string{"jsonl", "warc"} }, false},
		"the text":            {func(j *crawler.Job) { j.Markdown, j.Text = true, true }, false},
		"fields":              {func(j *crawler.Job) { j.Markdown, j.Select = true, []string{"title=h1"} }, false},
	} {
		job := crawler.DefaultJob()
		job.Name, job.AcceptMarkdown = "notes", true
		c.change(&job)
		if err := Validate(job); (err == nil) != c.ok {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestAPolicyNeedsAPurpose(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name, job.Rights = "notes", crawler.RightsSkip
	if err := Validate(job); err == nil || !strings.Contains(err.Error(), "purpose") {
		t.Errorf("error %v, want one that names purpose", err)
	}
	job.Purpose = crawler.PurposeArchive
	if err := Validate(job); err != nil {
		t.Error(err)
	}
}
