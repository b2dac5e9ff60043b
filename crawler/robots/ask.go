package robots

import (
	"context"
	"fmt"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxRedirects is how many redirects in a row are followed (RFC 9309, 2.3.1.2).
const maxRedirects = 5

// Getter makes one request for u, when politeness to its host allows it, and
// keeps at most [MaxSize] bytes of the body. It does not follow redirects. The
// page is released by this package. An error is a failure of our own house;
// what the web did is in the page.
type Getter = func(ctx context.Context, u crawler.URL) (*crawler.Page, error)

// ask fetches the robots.txt of an origin and says what came of it. When it was
// asked, and how often, is for the caller to add.
func ask(ctx context.Context, origin string, get Getter) (record, error) {
	u, err := crawler.ParseURL(origin + "/robots.txt")
	if err != nil {
		return record{}, err
	}
	for range 1 + maxRedirects {
		page, err := get(ctx, u)
		if err != nil {
			return record{}, err
		}
		if ctx.Err() != nil { // what was cut short by us says nothing about the site
			page.Release()
			return record{}, ctx.Err()
		}
		if !page.IsRedirect() || page.Location.IsZero() {
			return answer(page)
		}
		u = page.Location
		page.Release()
	}
	return record{kind: kindRules}, nil // RFC 9309, 2.3.1.2: taken to be not there
}

// answer reads what a page means, and releases it.
func answer(page *crawler.Page) (record, error) {
	defer page.Release()
	switch {
	case page.Fault != nil && page.Fault.Kind != crawler.FaultRedirect:
		return faulty(page.Fault), nil
	case page.IsRedirect(): // to nowhere, which is no better than one too many
		return record{kind: kindRules}, nil
	case !accessible(page.Status):
		return unreachable("robots.txt answered %d", page.Status), nil
	case page.Status >= 300, page.Body == nil: // RFC 9309, 2.3.1.3: there is none
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

// faulty says what a request means that had no whole answer (RFC 9309,
// 2.3.1.4). A name that does not exist, and an address that we may not connect
// to, will be no better in a minute.
func faulty(f *crawler.Fault) record {
	switch {
	case f.Kind == crawler.FaultResolve && !f.Passes:
		return record{kind: kindHopeless, text: "host does not resolve: " + f.Text}
	case f.Kind == crawler.FaultBlocked:
		return record{kind: kindHopeless, text: f.Text}
	}
	return unreachable("robots.txt could not be fetched: %s", f.Text)
}

func unreachable(format string, args ...any) record {
	return record{kind: kindUnreachable, text: fmt.Sprintf(format, args...)}
}
