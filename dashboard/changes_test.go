package dashboard

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
)

// changeStream is the changes of all jobs, beside their records. A cursor is the number of changes
// before it.
type changeStream struct {
	recordList
	pages []change.Page
}

func (s *changeStream) Changes(_ context.Context, _ crawler.Status, cursor string,
	do func(change.Page) (bool, error)) (next string, more bool, err error) {
	at, _ := strconv.Atoi(cursor)
	for at < len(s.pages) {
		more, err := do(s.pages[at])
		if err != nil {
			return "", false, err
		}
		if at++; !more {
			return strconv.Itoa(at), true, nil
		}
	}
	return strconv.Itoa(at), false, nil
}

// newChanges returns a dashboard with a job and some changes of its pages.
func newChanges(t *testing.T, n int) (*testDashboard, *changeStream) {
	t.Helper()
	stream := new(changeStream)
	for i := range n {
		stream.pages = append(stream.pages, change.Page{Class: change.Classes[i%len(change.Classes)],
			URL: fmt.Sprintf("http://example.com/%d?a&b", i), Before: "200", After: "200",
			Title:     fmt.Sprintf("<Page> %d\x01", i),
			FetchedAt: time.Date(2026, 11, 1, 6, 0, i, 0, time.UTC).Format(time.RFC3339)})
	}
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.Records = stream })
	s.job(t, "news")
	return s, stream
}

func TestChangesAreReadPageByPage(t *testing.T) {
	t.Parallel()
	s, _ := newChanges(t, 7)
	at := apiRoot + "/jobs/news/changes"
	a := s.get(t, at+"?limit=2")
	a.wantRecords(t, "2", "true",
		`{"change":"new","url":"http://example.com/0?a&b","before":"200","after":"200","title":"<Page> 0\u0001","fetched_at":"2026-11-01T06:00:00Z"}`,
		`{"change":"changed","url":"http://example.com/1?a&b","before":"200","after":"200","title":"<Page> 1\u0001","fetched_at":"2026-11-01T06:00:01Z"}`)
	a = s.get(t, at+"?cursor=2&change=gone,back")
	a.want(t, http.StatusOK)
	if n := strings.Count(a.body, "\n"); n != 2 || a.header.Get(headerCursor) != "7" ||
		a.header.Get(headerMore) != "false" || a.header.Get(headerEnd) != "false" {
		t.Errorf("%d lines, and the headers %v", n, a.header)
	}
	s.get(t, at+"?change=chnged").wantError(t, http.StatusBadRequest, `did you mean "changed"`)
	s.get(t, at+"?since=1").want(t, http.StatusBadRequest)
	s.get(t, apiRoot+"/jobs/olds/changes").want(t, http.StatusNotFound)
	none := newTestDashboard(t)
	none.job(t, "news")
	none.get(t, at).wantError(t, http.StatusNotImplemented, "trawl changes")
}

// feedDocument is a feed as its readers parse it.
type feedDocument struct {
	XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string   `xml:"id"`
	Updated string   `xml:"updated"`
	Author  string   `xml:"author>name"`
	Links   []struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	} `xml:"link"`
	Entries []struct {
		ID      string `xml:"id"`
		Title   string `xml:"title"`
		Updated string `xml:"updated"`
		Summary string `xml:"summary"`
		Link    struct {
			Href string `xml:"href,attr"`
		} `xml:"link"`
	} `xml:"entry"`
}

// readFeed reads the feed of the job.
func readFeed(t *testing.T, s *testDashboard) (feed feedDocument, tag string) {
	t.Helper()
	a := s.get(t, "/jobs/news/changes.atom")
	a.want(t, http.StatusOK)
	if kind := a.header.Get("Content-Type"); kind != "application/atom+xml; charset=utf-8" {
		t.Errorf("the type is %q", kind)
	}
	if err := xml.Unmarshal([]byte(a.body), &feed); err != nil {
		t.Fatalf("%v:\n%s", err, a.body)
	}
	return feed, a.header.Get("ETag")
}

// RFC 4287, 4.1.1: a feed has an id, a title and updated; each entry as well.
func TestTheFeedHasTheLastChangesTheNewestFirst(t *testing.T) {
	t.Parallel()
	s, stream := newChanges(t, 250)
	feed, tag := readFeed(t, s)
	if len(feed.Entries) != feedEntries || feed.Author == "" || len(feed.Links) != 1 || feed.Links[0].Rel != "self" ||
		!strings.HasSuffix(feed.Links[0].Href, "/jobs/news/changes.atom") {
		t.Errorf("the feed has %d entries, author %q and links %v", len(feed.Entries), feed.Author, feed.Links)
	}
	newest := feed.Entries[0]
	if newest.Link.Href != "http://example.com/249?a&b" || newest.Title != "back: <Page> 249\ufffd" ||
		newest.Updated != "2026-11-01T06:04:09Z" || feed.Updated != newest.Updated ||
		!strings.HasPrefix(newest.Summary, "back     http://example.com/249?a&b") {
		t.Errorf("the newest entry is %+v, and the feed was updated %s", newest, feed.Updated)
	}
	ids := map[string]bool{feed.ID: true}
	for _, e := range feed.Entries {
		if ids[e.ID] || !strings.HasPrefix(e.ID, "urn:uuid:") || len(e.ID) != len("urn:uuid:")+36 {
			t.Fatalf("the ID %q is there twice, or is not one", e.ID)
		}
		ids[e.ID] = true
	}
	again, sameTag := readFeed(t, s)
	if again.Entries[7].ID != feed.Entries[7].ID || sameTag != tag {
		t.Errorf("without a change, the feed has other IDs, or the tag %s instead of %s", sameTag, tag)
	}
	stream.pages = append(stream.pages, change.Page{Class: change.Moved, URL: "http://example.com/old",
		To: "http://example.com/new", FetchedAt: "garbage"})
	moved, newTag := readFeed(t, s)
	if e := moved.Entries[0]; e.Link.Href != "http://example.com/new" || e.Title != "moved: http://example.com/old" ||
		moved.Entries[1].ID != newest.ID || newTag == tag {
		t.Errorf("after a move, the newest entry is %+v, and the tag %s", e, newTag)
	}
	if _, err := time.Parse(time.RFC3339, moved.Entries[0].Updated); err != nil {
		t.Errorf("an entry was updated %q: %v", moved.Entries[0].Updated, err)
	}
}

func TestAFeedIsSentOnlyIfItHasChanged(t *testing.T) {
	t.Parallel()
	s, _ := newChanges(t, 3)
	_, tag := readFeed(t, s)
	a := s.get(t, "/jobs/news/changes.atom", "If-None-Match", `"x", `+tag)
	a.want(t, http.StatusNotModified)
	if a.body != "" {
		t.Errorf("the body is %q", a.body)
	}
}

func TestTheJobsWhoseFeedsAreRememberedAreFew(t *testing.T) {
	t.Parallel()
	var f feeds
	at := time.Unix(1_700_000_000, 0)
	status := func(name string) crawler.Status {
		j := crawler.DefaultJob()
		j.Name = name
		return crawler.Status{Job: j, Created: at}
	}
	first := f.of(status("first"), at)
	for i := range 2 * mostFeeds {
		f.of(status(fmt.Sprint("job-", i)), at.Add(time.Duration(i+1)*time.Second))
		if i%10 == 0 && f.of(status("first"), at.Add(time.Duration(i+2)*time.Second)) != first {
			t.Fatalf("a feed that is asked for often is forgotten after %d others", i)
		}
	}
	if len(f.jobs) != mostFeeds {
		t.Errorf("%d jobs are remembered, want %d", len(f.jobs), mostFeeds)
	}
	other := status("first")
	other.Created = at.Add(time.Hour)
	if f.of(other, at.Add(time.Hour)) == first {
		t.Error("a later job of the same name has the feed of the earlier one")
	}
}
