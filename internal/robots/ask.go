package robots

import (
	"context"
	"fmt"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/blockpage"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// maxRedirects is how many consecutive redirects are followed (RFC 9309, 2.3.1.2).
const maxRedirects = 5

// Getter makes one request for u, when politeness to its host allows it, and keeps at
// most [MaxSize] bytes of the body. It does not follow redirects. This package releases
// the page. An error is an internal one; failures of the site are in the page.
type Getter = func(ctx context.Context, u crawler.URL) (*fetched.Page, error)

// ask fetches the robots.txt of an origin and returns the result. The caller adds the
// time and the number of tries.
func ask(ctx context.Context, origin string, get Getter) (record, error) {
	u, err := crawler.ParseURL(origin + "/robots.txt")
	if err != nil {
		return record{}, err
	}
	page, err := follow(ctx, u, get)
	if err != nil {
		return record{}, err
	}
	if page == nil {
		return record{kind: kindRules}, nil // RFC 9309, 2.3.1.2: treated as missing
	}
	return answer(page)
}

// follow fetches a file of an authority and follows redirects. It returns nil if there are
// too many.
func follow(ctx context.Context, u crawler.URL, get Getter) (*fetched.Page, error) {
	for range 1 + maxRedirects {
		page, err := get(ctx, u)
		if err != nil {
			return nil, err
		}
		if ctx.Err() != nil { // the request was canceled, which says nothing about the site
			page.Release()
			return nil, ctx.Err()
		}
		if !page.IsRedirect() || page.Location.IsZero() {
			return page, nil
		}
		u = page.Location
		page.Release()
	}
	return nil, nil
}

// answer interprets a page and releases it.
func answer(page *fetched.Page) (record, error) {
	defer page.Release()
	switch {
	case page.Fault != nil && page.Fault.Kind != fetched.FaultRedirect:
		return faulty(page.Fault), nil
	case page.IsRedirect(): // without a target: treated as one redirect too many
		return record{kind: kindRules}, nil
	case !accessible(page.Status):
		return unreachable("robots.txt answered %d", page.Status), nil
	case page.BlockPage != "" && page.Status < 300: // not the site's robots.txt, and not an answer that it has none
		r := unreachable("robots.txt was answered with a block page: %s", blockpage.About(page.BlockPage))
		r.class = crawler.ErrorBlockPage
		return r, nil
	case page.Status >= 300, page.Body == nil: // RFC 9309, 2.3.1.3: the site has none
		return record{kind: kindRules}, nil
	case page.Truncated && page.Body.Size < MaxSize:
		return unreachable("robots.txt broke off after %d bytes", page.Body.Size), nil
	}
	body, err := io.ReadAll(io.LimitReader(page.Body.Reader(), MaxSize))
	if err != nil {
		return record{}, fmt.Errorf("read the body of %s: %w", page.URL, err)
	}
	return record{kind: kindRules, text: condense(body)}, nil
}

// faulty interprets a request without a complete response (RFC 9309, 2.3.1.4). If the
// name does not exist, or the address is one that the crawler may not connect to,
// retrying soon will not help.
func faulty(f *fetched.Fault) record {
	class := fetched.ClassOf(f.Kind)
	switch {
	case f.Kind == fetched.FaultResolve && !f.Passes:
		return record{kind: kindHopeless, class: class, text: "host does not resolve: " + f.Text}
	case f.Kind == fetched.FaultBlocked:
		return record{kind: kindHopeless, class: class, text: f.Text}
	}
	r := unreachable("robots.txt could not be fetched: %s", f.Text)
	r.class = class
	return r
}

func unreachable(format string, args ...any) record {
	return record{kind: kindUnreachable, text: fmt.Sprintf(format, args...)}
}
