package simweb

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Fetcher is a [visit.Fetcher] over a round tripper, without the limits that
// internal/fetch has for strangers.
type Fetcher struct{ Web http.RoundTripper }

// Fetch makes one request. The error is ctx's.
func (f Fetcher) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	page := &fetched.Page{URL: r.URL, Started: time.Now()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := f.Web.RoundTrip(req)
	page.Duration = time.Since(page.Started)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		page.Fault = fault(err)
		return page, nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.BodyLimit))
	if err != nil {
		return nil, err
	}
	page.Status, page.Proto, page.Header = resp.StatusCode, resp.Proto, resp.Header
	page.Body = &fetched.Body{Head: body, Size: int64(len(body)), Digest: sha256.Sum256(body), Release: func() {}}
	return page, nil
}

// fault says what the web did to a connection.
func fault(err error) *fetched.Fault {
	kind := fetched.FaultConnect
	var name *net.DNSError
	if errors.As(err, &name) {
		kind = fetched.FaultResolve
	}
	return &fetched.Fault{Kind: kind, Text: err.Error(), Passes: true}
}
