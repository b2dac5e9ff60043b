package sitemap

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// conformanceDir is the folder of the shared data, next to the module.
var conformanceDir = filepath.Join("..", "..", "..", "shared", "conformance", "sitemaps")

// listing is a sitemap of the shared data and the expected result.
type listing struct {
	ID          string
	File        string
	At          string `json:"sitemap_url"`
	ContentType string `json:"content_type"`
	Index       bool   `json:"is_index"`
	URLs        []string
	LastMod     []*string
	Error       string
	Note        string
}

func listings(t *testing.T) []listing {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(conformanceDir, "expected.json"))
	if err != nil {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	var content struct{ Cases []listing }
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	return content.Cases
}

// choices are our results where the data allows several.
var choices = map[string][]string{
	// A path that starts at the root is resolved.
	"hm-dup-and-relative.xml": {"https://example.com/rel", "https://example.com/a", "https://example.com/a"},
	// What precedes the cut is kept.
	"hm-truncated.xml.gz": {"https://example.com/a", "https://example.com/b"},
}

// tolerated are listings that are read as far as possible, without an error.
var tolerated = map[string]bool{
	"cc-PartialSitemapIndicesAllowed-ed13.xml": true,
	"hm-billion-laughs.xml":                    true, // a DTD is skipped, and its entities are undefined
}

func TestConformsToSitemaps(t *testing.T) {
	t.Parallel()
	for _, c := range listings(t) {
		t.Run(c.ID+" "+c.File, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(filepath.Join(conformanceDir, c.File))
			if err != nil {
				t.Fatal(err)
			}
			at, err := crawler.ParseURL(c.At)
			if err != nil {
				t.Fatal(err)
			}
			_, parameters, _ := mime.ParseMediaType(c.ContentType)
			c.compare(t, gather(Read(bytes.NewReader(body), Config{At: at, Charset: parameters["charset"]})))
		})
	}
}

func (c listing) compare(t *testing.T, got readResult) {
	t.Helper()
	want := c.URLs
	if ours, ok := choices[c.File]; ok {
		want = ours
	}
	if !slices.Equal(got.urls(), want) {
		t.Errorf("%s: URLs %q, want %q", c.Note, got.urls(), want)
	}
	if (c.Error != "") != (got.fault != nil) && !tolerated[c.File] {
		t.Errorf("%s: fault %v, want %q", c.Note, got.fault, c.Error)
	}
	for i, l := range got.locations {
		if l.Sitemap != c.Index {
			t.Errorf("%s is listed as a sitemap: %v, want %v", l.URL, l.Sitemap, c.Index)
		}
		if i < len(c.LastMod) && c.LastMod[i] != nil {
			if want, err := time.Parse(time.RFC3339, *c.LastMod[i]); err != nil || !l.Modified.Equal(want) {
				t.Errorf("%s: modified %s, want %s", l.URL, l.Modified, *c.LastMod[i])
			}
		} else if i < len(c.LastMod) && !l.Modified.IsZero() {
			t.Errorf("%s: modified %s, want no date", l.URL, l.Modified)
		}
	}
}

// readResult is everything that was read from a sitemap.
type readResult struct {
	locations []Location
	refused   []string
	fault     error
}

func gather(list func(func(Location, error) bool)) (h readResult) {
	for l, err := range list {
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			h.refused = append(h.refused, refusal.Text)
		case err != nil:
			h.fault = err
		default:
			h.locations = append(h.locations, l)
		}
	}
	return h
}

func (h readResult) urls() []string {
	urls := make([]string, len(h.locations))
	for i, l := range h.locations {
		urls[i] = l.URL.String()
	}
	return urls
}
