package parse

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestADownloadReadsTheHeadOfAPage(t *testing.T) {
	t.Parallel()
	const head = `<html><head><title>A <b>title</title><meta name=robots content="noindex">` +
		`<link rel=canonical href=/c><meta name="tdm-reservation" content=1><a href=/early>`
	for name, c := range map[string]struct {
		body   string
		titled string
	}{
		"a head and a body":   {head + `</head><body><a href=/x>x</a><title>no</title></body>`, "A <b>title"},
		"a head without end":  {head + `<body><a href=/x>x</a><meta name=robots content=nofollow>`, "A <b>title"},
		"neither is written":  {`<title>t</title><p><a href=/x>x</a>`, "t"},
		"the title is late":   {`<head></head><body><title>late</title>`, ""},
		"an empty page":       {``, ""},
		"a head in a comment": {`<!-- </head><body> --><title>t</title><a href=/x>`, "t"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(Config{Head: true, ProductToken: "trawl"})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // with a scan that was used before, too
				doc, err := p.Parse(t.Context(), htmlPage("http://example.com/dir/", c.body))
				if err != nil {
					t.Fatal(err)
				}
				if doc.Title != c.titled || len(doc.Links) > 0 || doc.NoFollow {
					t.Errorf("title %q, links %v, nofollow %v; want the title %q alone", doc.Title, doc.Links,
						doc.NoFollow, c.titled)
				}
				if declares := strings.HasPrefix(c.body, head); doc.NoIndex != declares ||
					doc.Canonical.IsZero() == declares || (len(doc.Rights) > 0) != declares {
					t.Errorf("noindex %v, canonical %s, rights %v", doc.NoIndex, doc.Canonical, doc.Rights)
				}
			}
		})
	}
}

// Nothing that a job asks for is left out because its files are downloads.
func TestOnlyDownloadsEndWithTheHead(t *testing.T) {
	t.Parallel()
	files := fetched.Needs{Bodies: true, Verbatim: true}
	download := func(change func(*crawler.Job)) crawler.Job {
		j := crawler.DefaultJob()
		j.Name, j.Follow, j.Format = "downloads", false, []string{"files"}
		change(&j)
		return j
	}
	if !JobConfig(download(func(*crawler.Job) {}), files).headOnly() {
		t.Error("a download reads whole pages")
	}
	for name, change := range map[string]func(*crawler.Job){
		"follows links":   func(j *crawler.Job) { j.Follow = true },
		"lists links":     func(j *crawler.Job) { j.Links = true },
		"another format":  func(j *crawler.Job) { j.Format = append(j.Format, "jsonl") },
		"selects":         func(j *crawler.Job) { j.Select = []string{"h=h1"} },
		"resources":       func(j *crawler.Job) { j.Resources = true },
		"text":            func(j *crawler.Job) { j.Text = true },
		"markdown":        func(j *crawler.Job) { j.Markdown = true },
		"simhash":         func(j *crawler.Job) { j.Simhash = true },
		"minhash":         func(j *crawler.Job) { j.MinHash = true },
		"near duplicates": func(j *crawler.Job) { j.NearDuplicates = crawler.NearDuplicatesRecord },
		"handlers":        func(j *crawler.Job) { j.Handlers = []string{"h"} },
		"renders":         func(j *crawler.Job) { j.Render = crawler.RenderAuto },
	} {
		if JobConfig(download(change), files).headOnly() {
			t.Errorf("a job that %s reads only the heads of pages", name)
		}
	}
	if JobConfig(download(func(*crawler.Job) {}), fetched.Needs{Bodies: true}).headOnly() {
		t.Error("a job without files reads only the heads of pages")
	}
}

func TestHeadersOfADownloadAreRead(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<title>t</title></head><a href=/x>")
	page.Header = http.Header{"Content-Type": {"text/html"}, "X-Robots-Tag": {"noindex"}, "Link": {"</y>; rel=next"}}
	doc := parsePage(t, Config{Head: true}, page)
	if !doc.NoIndex || len(doc.Links) > 0 {
		t.Errorf("noindex %v, links %v", doc.NoIndex, doc.Links)
	}
}
