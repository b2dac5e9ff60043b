package linkcheck

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
)

// maxBody is how many bytes of a page are read for fragments.
const maxBody = 32 << 20

// fragments are the places that links lead to. A place that its page has is taken out.
type fragments struct {
	book   *book
	crawl  *export.Crawl
	parser *parse.Parser

	wanted map[string]map[string][]target // by key of the page, then by fragment
}

// target is a link to a place.
type target struct {
	url  string // as the page has it, with the fragment
	page Page
}

// addFragments adds links to places that the pages do not have. It reads the bodies twice: for
// the links, and then, of pages that such links lead to, for their places.
func (b *book) addFragments(ctx context.Context, crawl *export.Crawl) error {
	if !b.cfg.Fragments {
		return nil
	}
	parser, err := parse.New(parse.Config{Tree: true})
	if err != nil {
		return err
	}
	f := &fragments{book: b, crawl: crawl.WithBodies(), parser: parser, wanted: make(map[string]map[string][]target)}
	if err := f.each(ctx, f.collect); err != nil {
		return err
	}
	had := make(map[string]bool)
	err = f.each(ctx, func(rec crawler.Record, places parse.Places) {
		key := b.key(rec.URL)
		had[key] = true
		if wanted := f.wanted[key]; wanted != nil {
			strike(wanted, places.Has)
		}
	})
	if err != nil {
		return err
	}
	b.bodies = len(had)
	f.report(had)
	return nil
}

// each passes the places of each page of HTML whose body was kept to a function.
func (f *fragments) each(ctx context.Context, do func(rec crawler.Record, places parse.Places)) error {
	return f.crawl.Last(ctx, func(line *export.Record) error {
		rec, err := line.Read()
		if err != nil || rec.Path == "" || rec.Outcome != crawler.OutcomeFetched {
			return nil // a line that is no record is counted elsewhere
		}
		u, err := crawler.ParseURL(rec.FinalURL)
		if err != nil {
			return fmt.Errorf("the record of %q: %w", rec.URL, err)
		}
		page, err := f.parse(ctx, rec, u)
		if page == nil || err != nil {
			return err
		}
		places, err := page.Places(ctx, u)
		if err != nil {
			return ctx.Err() // a page that has no tree has no places that could be told
		}
		do(rec, places)
		return nil
	})
}

// parse reads a page; nil if it is not HTML.
func (f *fragments) parse(ctx context.Context, rec crawler.Record, u crawler.URL) (*parse.Elements, error) {
	in, err := f.crawl.Body(ctx, rec.Path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	body, err := io.ReadAll(io.LimitReader(in, maxBody))
	if err != nil {
		return nil, fmt.Errorf("the body of %s: %w", rec.FinalURL, err)
	}
	doc, err := f.parser.Parse(ctx, &fetched.Page{
		URL: u, Status: rec.Status, Header: http.Header{"Content-Type": {rec.ContentType}}, Truncated: rec.Truncated,
		Body: &fetched.Body{Head: body, Size: int64(len(body)), Digest: sha256.Sum256(body)},
	})
	return parse.ElementsOf(doc), err
}

// collect notes the places that the links of a page lead to.
func (f *fragments) collect(rec crawler.Record, places parse.Places) {
	for _, l := range places.Links {
		if !isPlace(l.Fragment) {
			continue
		}
		key := f.book.landing(l.To.String())
		if f.wanted[key] == nil {
			f.wanted[key] = make(map[string][]target)
		}
		f.wanted[key][l.Fragment] = append(f.wanted[key][l.Fragment],
			target{l.To.String() + "#" + l.Fragment, Page{rec.URL, l.Text, fetched.ReferenceAnchor}})
	}
}

// isPlace reports whether a fragment should name an element of the page: "" and "top" always
// lead to its top, ":~:" begins directives for browsers, and "!" and "/" the routes of scripts.
func isPlace(fragment string) bool {
	return fragment != "" && !strings.EqualFold(fragment, "top") && !strings.HasPrefix(fragment, "!") &&
		!strings.HasPrefix(fragment, "/") && !strings.Contains(fragment, ":~:")
}

// landing returns the key of the page that a URL leads to, after redirects.
func (b *book) landing(url string) string {
	key := b.key(url)
	for range maxHops {
		to, leads := b.leads[key]
		if !leads {
			break
		}
		key = b.key(to)
	}
	return key
}

// strike takes out the places that a page has.
func strike(wanted map[string][]target, has map[string]bool) {
	for fragment := range wanted {
		decoded, err := url.PathUnescape(fragment)
		if has[fragment] || err == nil && has[decoded] {
			delete(wanted, fragment)
		}
	}
}

// report adds the links that are left, as far as their page was read.
func (f *fragments) report(had map[string]bool) {
	for key, wanted := range f.wanted {
		if !had[key] {
			continue
		}
		for fragment, targets := range wanted {
			why := fate{kind: Broken, status: http.StatusOK,
				reason: fmt.Sprintf("the page has no element with the id %q", fragment)}
			for _, t := range targets {
				f.book.add(why, t.url, t.page)
			}
		}
	}
}
