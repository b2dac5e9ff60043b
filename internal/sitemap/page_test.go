package sitemap

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

func pageOf(body string) *fetched.Page {
	return &fetched.Page{
		URL: home, Status: 200, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body: &fetched.Body{Head: []byte(body), Size: int64(len(body)), Release: func() {}},
	}
}

func TestWhichPagesAreReadAsSitemaps(t *testing.T) {
	t.Parallel()
	const never, named, always = 0, 1, 2
	for _, c := range []struct {
		name, body string
		read       int
	}{
		{"a urlset", pages("/a"), always},
		{"an index after a declaration and a comment", `<?xml version="1.0"?><!-- x -->` + index("/a"), always},
		{"a urlset under gzip", gzipped(pages("/a")), always},
		{"a urlset in UTF-16", "\xff\xfe" + strings.Join(strings.Split(pages("/a"), ""), "\x00") + "\x00", always},
		{"text", "https://example.com/a\n", named},
		{"a feed", "<rss><item><link>/a</link></item></rss>", named},
		{"HTML", "<!doctype html><html><body>404", never},
		{"HTML that mentions a sitemap", "<!doctype html><html>urlset", never},
		{"another gzip", gzipped("<html>"), never},
		{"prose", "urlset", never},
		{"nothing", "", never},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for calledOne, want := range map[bool]bool{true: c.read >= named, false: c.read == always} {
				doc, err := Parser{}.ParseSitemap(t.Context(), pageOf(c.body), calledOne)
				if err != nil || (doc != nil) != want {
					t.Errorf("reported as a sitemap: %v; the document is %+v (%v), want a sitemap: %v", calledOne, doc,
						err, want)
				}
				if doc != nil && (!doc.Sitemap || doc.Fault != "" || len(doc.Links) != 1 ||
					doc.Links[0].URL.Path() != "/a") {
					t.Errorf("the document is %+v", doc)
				}
			}
		})
	}
}

func TestADocumentHasEachLocationOnceAndTheFault(t *testing.T) {
	t.Parallel()
	whole := pageOf(pages("/a", "/b", "/a", "no url"))
	cut := pageOf("https://example.com/a\nhttps://example.com/b\n")
	cut.Truncated = true
	broken := pageOf("https://example.com/a\nhttps://example.com/b\n")
	broken.Fault = &fetched.Fault{Text: "the line is dead"}
	for want, page := range map[string]*fetched.Page{
		"": whole,
		"the sitemap is read in part: it breaks off before its end": cut,
		"the sitemap is read in part: the line is dead":             broken,
	} {
		doc, err := Parser{}.ParseSitemap(t.Context(), page, true)
		if err != nil || doc.Fault != want {
			t.Fatalf("fault %q (%v), want %q", doc.Fault, err, want)
		}
		links := []rules.Link{{URL: mustParse("https://example.com/a")}, {URL: mustParse("https://example.com/b")}}
		if !slices.Equal(doc.Links, links) {
			t.Errorf("links %v, want %v", doc.Links, links)
		}
	}
}

func TestADocumentHasTheDatesOfItsPagesIfRequested(t *testing.T) {
	t.Parallel()
	body := "<urlset><url><loc>https://example.com/a</loc><lastmod>2026-11-01</lastmod></url>" +
		"<url><loc>https://example.com/b</loc></url></urlset>"
	doc, err := Parser{Dates: true}.ParseSitemap(t.Context(), pageOf(body), true)
	if err != nil {
		t.Fatal(err)
	}
	want := []announce.Entry{
		{URL: mustParse("https://example.com/a"), Modified: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)},
		{URL: mustParse("https://example.com/b")},
	}
	if !slices.Equal(doc.Dates, want) {
		t.Errorf("the dates are %v, want %v", doc.Dates, want)
	}
	if doc, err := (Parser{}).ParseSitemap(t.Context(), pageOf(body), true); err != nil || doc.Dates != nil {
		t.Errorf("unless requested, the dates are %v (%v)", doc.Dates, err)
	}
}

func TestParsingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (Parser{}).ParseSitemap(ctx, pageOf(pages("/a")), true); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
