package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
)

// Bounds of feeds.
const (
	feedEntries = 100 // the last changes of a job
	mostFeeds   = 64  // jobs whose last changes are remembered
)

// feeds remember the last changes of jobs whose feed someone reads, and the cursor after them: a
// feed is read every few minutes, and the changes of a job are in files that begin with the oldest.
type feeds struct {
	mu   sync.Mutex
	jobs map[string]*feedOf
}

// feedOf has the last changes of one job.
type feedOf struct {
	mu      sync.Mutex
	created time.Time // of the job
	cursor  string
	last    []change.Page // the oldest first
	asked   time.Time
}

// of returns the feed of a job.
func (f *feeds) of(job crawler.Status, now time.Time) *feedOf {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs == nil {
		f.jobs = make(map[string]*feedOf)
	}
	name := job.Job.Name
	if known := f.jobs[name]; known != nil && known.created.Equal(job.Created) {
		known.asked = now
		return known
	}
	for len(f.jobs) >= mostFeeds && f.jobs[name] == nil {
		oldest := ""
		for other, of := range f.jobs {
			if oldest == "" || of.asked.Before(f.jobs[oldest].asked) {
				oldest = other
			}
		}
		delete(f.jobs, oldest)
	}
	f.jobs[name] = &feedOf{created: job.Created, asked: now}
	return f.jobs[name]
}

// read reads further changes, for at most the longest time, and returns the last ones, the newest
// first.
func (f *feedOf) read(ctx context.Context, reader changesReader, job crawler.Status, longest time.Duration) (
	[]change.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until := time.Now().Add(longest)
	last := slices.Clone(f.last)
	next, _, err := reader.Changes(ctx, job, f.cursor, func(p change.Page) (bool, error) {
		if last = append(last, p); len(last) > 2*feedEntries {
			last = slices.Clone(last[len(last)-feedEntries:])
		}
		return time.Now().Before(until), nil
	})
	if err != nil {
		f.cursor, f.last = "", nil // the cursor may no longer be valid: start over the next time
		return nil, err
	}
	f.cursor, f.last = next, last[max(0, len(last)-feedEntries):]
	newest := slices.Clone(f.last)
	slices.Reverse(newest)
	return newest, nil
}

// serveFeed responds with the last changes of a job as an Atom feed (RFC 4287).
func (d *Dashboard) serveFeed(w http.ResponseWriter, r *http.Request) error {
	reader, err := d.changes()
	if err != nil {
		return err
	}
	status, err := d.jobs.Status(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	last, err := d.feeds.of(status, d.now()).read(r.Context(), reader, status, d.longest)
	if err != nil {
		return err
	}
	text, err := xml.MarshalIndent(atomFeed(status, last, selfOf(r)), "", "  ")
	if err != nil {
		return err
	}
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(text))[:18] + `"`
	header := w.Header()
	header.Set("ETag", tag)
	header.Set("Cache-Control", "private, no-cache") // readers may keep it, and ask whether it has changed
	if slices.Contains(strings.Split(strings.ReplaceAll(r.Header.Get("If-None-Match"), " ", ""), ","), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	header.Set("Content-Type", "application/atom+xml; charset=utf-8")
	var body bytes.Buffer
	body.WriteString(xml.Header)
	body.Write(text)
	body.WriteByte('\n')
	_, _ = w.Write(body.Bytes()) // fails only when the client is gone
	return nil
}

// selfOf returns the URL of a request.
func selfOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.URL.EscapedPath()
}

// The elements of a feed (RFC 4287, 4.1).
type (
	atomDocument struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  string      `xml:"author>name"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID       string       `xml:"id"`
		Title    string       `xml:"title"`
		Updated  string       `xml:"updated"`
		Link     atomLink     `xml:"link"`
		Category atomCategory `xml:"category"`
		Summary  string       `xml:"summary"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
)

// atomFeed returns the feed of a job with changes, the newest first.
func atomFeed(job crawler.Status, last []change.Page, self string) atomDocument {
	name := job.Job.Name
	created := job.Created.UTC().Format(time.RFC3339)
	feed := atomDocument{
		ID: nameUUID("feed", name, created), Title: "Changes of " + name, Updated: created, Author: "Trawl",
		Links: []atomLink{{"self", self}},
	}
	for i, p := range last {
		at := p.FetchedAt
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			at = created
		}
		title := p.Title
		if title == "" {
			title = p.URL
		}
		where := p.URL
		if p.To != "" {
			where = p.To
		}
		feed.Entries = append(feed.Entries, atomEntry{
			ID:    nameUUID("entry", name, created, string(p.Class), p.URL, p.To, p.FetchedAt),
			Title: string(p.Class) + ": " + title, Updated: at, Link: atomLink{"alternate", where},
			Category: atomCategory{string(p.Class)}, Summary: p.String(),
		})
		if i == 0 {
			feed.Updated = at
		}
		feed.Updated = laterOf(feed.Updated, at)
	}
	return feed
}

// laterOf returns the later of two times as feeds have them.
func laterOf(a, b string) string {
	one, _ := time.Parse(time.RFC3339, a)
	if other, err := time.Parse(time.RFC3339, b); err == nil && other.After(one) {
		return b
	}
	return a
}

// nameUUID returns the IRI of a UUID that depends only on texts: of version 8, whose bits may be
// chosen freely (RFC 9562, 5.8).
func nameUUID(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
