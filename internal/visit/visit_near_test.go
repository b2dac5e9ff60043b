package visit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// prose returns a page that links to paths, with a main text of a hundred words derived from name
// and of the given words.
func prose(name, words string, paths ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html><title>%s</title><nav>%s</nav><main><p>", name, links(paths...))
	for i := range 100 {
		fmt.Fprintf(&b, "%s%d ", name, i)
	}
	return b.String() + words + "</main>"
}

// nearDuplicateSite serves two hosts. The first host's /b and the second host's /a are near
// duplicates of the first host's /a.
func nearDuplicateSite(t *testing.T) *testsite.Site {
	t.Helper()
	pages := web{
		"/": prose("start", "", "/a"), "/a": prose("story", "on Monday", "/b"),
		"/b": prose("story", "on Tuesday", "/c"), "/c": prose("other", ""),
		"/s1": "<main>short</main>" + links("/s2"), "/s2": "<main>short</main><p>" + links("/s1"),
	}
	return testsite.Serve(t, pages, pages)
}

func TestNearDuplicatesAreHandledAsConfigured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind          crawler.NearDuplicates
		named, kept   bool
		third, listed bool // /c is fetched; /c is listed as skipped
	}{
		{"", false, true, true, false},
		{crawler.NearDuplicatesRecord, true, true, true, false},
		{crawler.NearDuplicatesSkip, true, false, true, false},
		{crawler.NearDuplicatesStop, true, false, false, true},
	} {
		for _, depth := range []int{-1, 9} {
			t.Run(fmt.Sprintf("%q, depth %d", c.kind, depth), func(t *testing.T) {
				t.Parallel()
				crawl := newCrawl(t, nearDuplicateSite(t), func(j *crawler.Job) {
					j.NearDuplicates, j.Depth, j.Text, j.Select = c.kind, depth, true, []string{"p=p"}
				}).seed("/", "/s1")
				crawl.finish()
				rec := crawl.record("/b")
				want := ""
				if c.named {
					want = crawl.site.URL(0, "/a")
				}
				if rec.NearDuplicateOf != want || rec.Outcome != crawler.OutcomeFetched {
					t.Errorf("/b: outcome %s, near duplicate of %q, want %q", rec.Outcome, rec.NearDuplicateOf, want)
				}
				if kept := rec.Title != "" && rec.Text != "" && rec.Digest != "" && rec.Fields != nil; kept != c.kept {
					t.Errorf("the record is %+v, want its content: %v", rec, c.kept)
				}
				if !c.kept && rec.Title+rec.Text+rec.Digest+rec.Extractor != "" {
					t.Errorf("the record contains the content: %+v", rec)
				}
				third := 0
				if c.third {
					third = 1
				}
				crawl.wantRequests(map[string]int{"/a": 1, "/b": 1, "/c": third, "/s2": 1})
				for _, path := range []string{"/", "/a", "/s1", "/s2"} {
					if rec := crawl.record(path); rec.NearDuplicateOf != "" || rec.Text == "" {
						t.Errorf("%s is a near duplicate of %q and has the text %q", path, rec.NearDuplicateOf,
							rec.Text)
					}
				}
				listed := slices.ContainsFunc(crawl.sink.skipped(), func(s fetched.SkippedRecord) bool {
					return s.Rule == queue.RuleNearDuplicates && s.URL == crawl.site.URL(0, "/c")
				})
				if listed != c.listed {
					t.Errorf("/c is listed as skipped: %v, want %v", listed, c.listed)
				}
			})
		}
	}
}

func TestNearDuplicatesOfOtherHostsAreFound(t *testing.T) {
	t.Parallel()
	crawl := newCrawl(t, nearDuplicateSite(t),
		func(j *crawler.Job) { j.NearDuplicates = crawler.NearDuplicatesRecord }).seed("/a")
	crawl.finish()
	crawl.admit(queue.Entry{URL: parseURL(t, crawl.site.URL(1, "/b"))})
	crawl.finish()
	got := map[string]string{}
	for _, rec := range crawl.sink.records() {
		got[rec.URL] = rec.NearDuplicateOf
		if rec.Text != "" || rec.MinHash != nil {
			t.Errorf("%s has a text or a sketch that is not configured", rec.URL)
		}
	}
	want := map[string]string{
		crawl.site.URL(0, "/a"): "", crawl.site.URL(0, "/b"): crawl.site.URL(0, "/a"), crawl.site.URL(0, "/c"): "",
		crawl.site.URL(1, "/b"): crawl.site.URL(0, "/a"), crawl.site.URL(1, "/c"): crawl.site.URL(0, "/c"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("near duplicates (-want +got):\n%s", diff)
	}
}
