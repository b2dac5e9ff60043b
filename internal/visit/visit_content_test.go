package visit_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// noIndex is a page with a noindex directive.
var noIndex = "<title>secret</title><meta name=robots content=noindex><h1>x</h1>" + links("/b")

func TestANoindexPageIsFollowedButItsContentIsNotKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		kept   bool
	}{
		"by default":          {func(*crawler.Job) {}, false},
		"if the job keeps it": {func(j *crawler.Job) { j.KeepNoindex = true }, true},
		"if it is a seed and links are not followed": {func(j *crawler.Job) { j.Follow = false }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, web{"/": noIndex, "/b": links()})
			crawl := newCrawl(t, site, func(j *crawler.Job) {
				j.Select, j.Text, j.Markdown, j.Format = []string{"h=h1"}, true, true,
					[]string{"jsonl", "markdown", "links"}
				c.change(j)
			}).seed("/")
			reports := crawl.finish()
			rec := crawl.record("/")
			if !rec.NoIndex || rec.Outcome != crawler.OutcomeFetched || rec.Links != 1 {
				t.Errorf("record: got noindex %v, outcome %s, %v links", rec.NoIndex, rec.Outcome, rec.Links)
			}
			if kept := rec.Title != "" && rec.Digest != "" && rec.Bytes > 0 && rec.Fields != nil && rec.Text != "" &&
				rec.Markdown != ""; kept != c.kept {
				t.Errorf("the record is %+v, want its content: %v", rec, c.kept)
			}
			if !c.kept && rec.Title+rec.Digest+rec.Text+rec.Markdown != "" {
				t.Errorf("the record contains the content: %+v", rec)
			}
			if want := int64(len(noIndex)); reports[0].Bytes < want {
				t.Errorf("counted %d bytes, want at least the %d of the page", reports[0].Bytes, want)
			}
			if crawl.job.Follow {
				crawl.wantRequests(map[string]int{"/b": 1})
			}
		})
	}
}

func TestARecordHasNoRightsIfTheSiteStatesNone(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, testsite.Serve(t, web{"/": links()}), nil).seed("/")
	c.finish()
	if r := c.record("/"); r.Rights != nil || r.Usage != nil {
		t.Errorf("rights %+v, want none", r)
	}
}

func TestTheCanonicalFormOfAPageIsFetchedIfConfigured(t *testing.T) {
	t.Parallel()
	pages := web{
		"/a?s=1": "<link rel=canonical href=/a>" + links("/b"), "/a": "<link rel=canonical href=/a>",
		"/b": "<link rel=canonical href=http://elsewhere.test/b>",
	}
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		asked  int
		copied bool
	}{
		"not by default":      {func(*crawler.Job) {}, 0, false},
		"as deep as the page": {func(j *crawler.Job) { j.Canonical, j.Depth = true, 1 }, 1, true},
		"not out of scope": {
			func(j *crawler.Job) { j.Canonical, j.Exclude = true, []string{"/a$"} }, 0, false,
		},
		"not if no link is followed": {func(j *crawler.Job) { j.Canonical, j.Follow = true, false }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crawl := newCrawl(t, testsite.Serve(t, pages), c.change).seed("/a?s=1")
			crawl.finish()
			crawl.wantRequests(map[string]int{"/a?s=1": 1, "/a": c.asked})
			want := ""
			if c.copied {
				want = crawl.site.URL(0, "/a")
			}
			rec := crawl.record("/a?s=1")
			if rec.Canonical != crawl.site.URL(0, "/a") || rec.DuplicateOf != want || rec.Digest == "" {
				t.Errorf("the record is %+v, want a duplicate of %q", rec, want)
			}
			if crawl.job.Follow {
				if diff := cmp.Diff("http://elsewhere.test/b", crawl.record("/b").Canonical); diff != "" ||
					crawl.record("/b").DuplicateOf != "" {
					t.Errorf("the page with a canonical form on another host: %+v", crawl.record("/b"))
				}
			}
			if c.asked > 0 && crawl.record("/a").DuplicateOf != "" {
				t.Errorf("the canonical form itself is a duplicate: %+v", crawl.record("/a"))
			}
		})
	}
}

func TestCopiesOfAPageAreRecordedIfConfigured(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*crawler.Job)
		want   bool
	}{
		"not by default": {func(*crawler.Job) {}, false},
		"if configured":  {func(j *crawler.Job) { j.Duplicates = true }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, web{"/": links("/1"), "/1": links("/2", "/e1", "/e2"),
				"/2": links("/2", "/e1", "/e2"), "/e1": "", "/e2": ""})
			crawl := newCrawl(t, site, c.change).seed("/")
			crawl.finish()
			want := map[string]string{"/": "", "/1": "", "/2": "", "/e1": "", "/e2": ""}
			if c.want {
				want["/2"] = site.URL(0, "/1")
			}
			for path, first := range want {
				if got := crawl.record(path); got.DuplicateOf != first || got.Outcome != crawler.OutcomeFetched {
					t.Errorf("%s: got outcome %s, duplicate of %q, want %q", path, got.Outcome, got.DuplicateOf, first)
				}
			}
		})
	}
}

func TestARecordWithAParseErrorIsValid(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{})
	site.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=klingon\xff")
		fmt.Fprint(w, "<title>a\x00b\xff\xed\xa0\x80</title><meta name=tdm-policy content='/\xff'><link rel=canonical href='/\xff?\x00'>")
	}))
	c := newCrawl(t, site, func(j *crawler.Job) { j.Select = []string{"t=title"} }).seed("/")
	c.finish()
	rec := c.record("/")
	if rec.Outcome != crawler.OutcomeFetched || !strings.HasPrefix(rec.Error, `no charset is named "klingon`) {
		t.Errorf("the record is %s: %q", rec.Outcome, rec.Error)
	}
	line, err := rec.JSON()
	check(t, err)
	if !utf8.Valid(line) || !json.Valid(line) || strings.Contains(string(line), `\u0000`) {
		t.Errorf("%q is not a valid record", line)
	}
}

func TestAnArchiveContainsNoindexPagesOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	for keep, want := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, web{"/": noIndex, "/b": links()}),
				func(j *crawler.Job) { j.Format, j.KeepNoindex = []string{"warc"}, keep })
			s := new(exchangeSink)
			s.needs = needsOf(t, c.job)
			c.tools.Sink = s
			c.seed("/").finish()
			if shown := strings.Count(strings.Join(s.exchanges, "\n"), "GET /: "); shown != want {
				t.Errorf("the archive received the page %d times, want %d: %q", shown, want, s.exchanges)
			}
		})
	}
}

// articleSink is a sink that records the articles and the link texts of results.
type articleSink struct {
	mu       sync.Mutex
	articles int
	texts    []string // link texts
}

func (d *articleSink) Keep(_ context.Context, results []*fetched.Result) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range results {
		if r.Entry.URL.Path() == "/" && r.Document.Article != nil {
			d.articles++
		}
		for _, l := range r.LinkRecords() {
			d.texts = append(d.texts, l.Text)
		}
	}
	return nil
}

func (*articleSink) Needs() fetched.Needs { return fetched.Needs{Article: true, References: true} }

func (d *articleSink) Close() error { return nil }

func TestANoindexPageHasNoLinkTextsAndNoArticle(t *testing.T) {
	t.Parallel()
	const body = "<meta name=robots content=noindex><h1>x</h1><a href=/b>words</a>"
	for keep, want := range map[bool]string{false: "", true: "words"} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, web{"/": body, "/b": "b"}), func(j *crawler.Job) {
				j.Format, j.KeepNoindex = []string{"markdown", "links"}, keep
			})
			s := new(articleSink)
			c.tools.Sink = s
			c.seed("/").finish()
			if (s.articles == 1) != keep || !slices.Equal(s.texts, []string{want}) {
				t.Errorf("got %d articles, link texts %q", s.articles, s.texts)
			}
		})
	}
}

// bodySink is a sink that records the bodies it received, and whether their content was still held.
type bodySink struct {
	memorySink
	wants bool
	held  []bool
	sizes []int64
}

func (s *bodySink) Keep(ctx context.Context, results []*fetched.Result) error {
	for _, r := range results {
		if b := r.Page.Body; b != nil {
			s.held, s.sizes = append(s.held, b.Head != nil), append(s.sizes, b.Size)
		}
	}
	return s.memorySink.Keep(ctx, results)
}

func (s *bodySink) Needs() fetched.Needs { return fetched.Needs{Bodies: s.wants} }

func TestBodiesAreHeldOnlyForASinkThatNeedsThem(t *testing.T) {
	t.Parallel()
	const body = "<title>light</title>"
	for _, wants := range []bool{false, true} {
		t.Run(fmt.Sprint(wants), func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, testsite.Serve(t, web{"/": body}), nil)
			s := &bodySink{wants: wants}
			c.tools.Sink = s
			c.seed("/").finish()
			if !slices.Equal(s.held, []bool{wants}) || !slices.Equal(s.sizes, []int64{int64(len(body))}) {
				t.Errorf("held: %v, sizes: %v", s.held, s.sizes)
			}
			digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(body)))
			if got := s.kept[0]; got.Bytes != int64(len(body)) || got.Digest != digest || got.Title != "light" {
				t.Errorf("the record has %d bytes, digest %s, title %q", got.Bytes, got.Digest, got.Title)
			}
		})
	}
}

func TestServersAreAskedForMarkdownIfConfigured(t *testing.T) {
	t.Parallel()
	for _, accept := range []bool{false, true} {
		site := testsite.Serve(t, web{"/b": "b"})
		site.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Accept"), "text/markdown") {
				w.Header().Set("Content-Type", "text/markdown")
				fmt.Fprint(w, "# Shop\n[b](/b)\n")
				return
			}
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<title>Shop</title><main><p>This page has no link at all.</main>")
		}))
		c := newCrawl(t, site, func(j *crawler.Job) { j.Markdown, j.AcceptMarkdown = true, accept }).seed("/")
		c.finish()
		if r := c.record("/"); r.Title != "Shop" || (r.Markdown == "# Shop\n[b](/b)\n") != accept {
			t.Errorf("accept_markdown %v: record %+v", accept, r)
		}
		c.wantRequests(map[string]int{"/b": map[bool]int{true: 1}[accept]})
	}
}
