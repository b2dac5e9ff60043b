package sink

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

func TestSkippedURLsAreListedWithTheirReasons(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open([]string{"jsonl", fetched.FormatSkipped}, dir, Options{Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	r := page(t, "http://example.com/a", "body")
	r.Job, r.Worker = "j", "w1"
	r.Skipped = []queue.Skipped{
		{URL: parse(t, "http://other.example/?x=1&y"), Referrer: r.Entry.URL, Depth: 1,
			SkipReason: queue.SkipReason{Rule: queue.RuleScope, Reason: "outside of scope host"}},
		{URL: parse(t, "http://example.com/cal/9"), Referrer: r.Entry.URL, Depth: 1, Pattern: "/cal/N",
			SkipReason: queue.SkipReason{Rule: queue.RuleTraps, Reason: "a trap\x1b[2J"}},
	}
	overBudget := page(t, "http://example.com/b", "")
	overBudget.Page, overBudget.Document, overBudget.Unrecorded = nil, nil, true
	overBudget.Outcome, overBudget.At = crawler.OutcomeSkipped, r.Page.Started
	overBudget.Skipped = []queue.Skipped{{URL: overBudget.Entry.URL,
		SkipReason: queue.SkipReason{Rule: queue.RulePagesPerHost, Reason: "spent"}}}
	keep(t, s, r, overBudget)
	keep(t, s, overBudget)
	closed(t, s)
	want := `{"url":"http://other.example/?x=1&y","via":"http://example.com/a","depth":1,"rule":"scope","reason":"outside of scope host","at":"2023-11-14T22:13:20.000Z","job":"j","worker":"w1"}
{"url":"http://example.com/cal/9","via":"http://example.com/a","depth":1,"rule":"traps","reason":"a trap\\u001b[2J","at":"2023-11-14T22:13:20.000Z","job":"j","worker":"w1"}
`
	got := read(t, dir, "skipped-w1-00001.jsonl")
	if !strings.HasPrefix(got, want) || strings.Count(got, `"rule":"pages_per_host"`) != 2 {
		t.Errorf("the skipped URLs are\n%swant\n%s and twice a budget", got, want)
	}
	if pages := read(t, dir, "pages-w1-00001.jsonl"); strings.Count(pages, "\n") != 1 || strings.Contains(pages, "/b") {
		t.Errorf("the records are\n%s", pages)
	}
}

func TestEachLinkIsALineOfTheLinkGraph(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open([]string{"links"}, dir, Options{Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	r := page(t, "http://example.com/a", "body")
	r.Redirects = []crawler.URL{parse(t, "http://example.com/b")}
	r.Document.References = []fetched.Reference{
		{URL: parse(t, "http://example.com/?x=1&y=2"), Text: "A & B", Rel: "nofollow", NoFollow: true,
			Kind: fetched.ReferenceAnchor},
	}
	r.Document.Resources = []crawler.URL{parse(t, "http://example.com/logo.png")}
	listed := page(t, "http://example.com/sitemap.xml", "body")
	listed.Document = &fetched.Document{Sitemap: true, Links: []rules.Link{{URL: parse(t, "http://example.com/c")}}}
	refused := page(t, "http://example.com/d", "")
	refused.Page, refused.Document = nil, nil
	keep(t, s, r, refused)
	keep(t, s, listed)
	closed(t, s)
	want := `{"from":"http://example.com/b","to":"http://example.com/?x=1&y=2","text":"A & B","rel":"nofollow","nofollow":true,"kind":"a","fetched_at":"2023-11-14T22:13:20.000Z"}
{"from":"http://example.com/b","to":"http://example.com/logo.png","text":"","rel":"","nofollow":false,"kind":"resource","fetched_at":"2023-11-14T22:13:20.000Z"}
{"from":"http://example.com/sitemap.xml","to":"http://example.com/c","text":"","rel":"","nofollow":false,"kind":"sitemap","fetched_at":"2023-11-14T22:13:20.000Z"}
`
	if got := read(t, dir, "links-w1-00001.jsonl"); got != want {
		t.Errorf("the links are\n%swant\n%s", got, want)
	}
	if err := s.Keep(t.Context(), []*fetched.Result{r}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("when it is closed: %v", err)
	}
}
