package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// readPage reads a page of at most limit bytes. Its URL is base or, if that is empty, one
// made from the file's name.
func readPage(file io.Reader, name, base string, limit int64) (*fetched.Page, error) {
	if base == "" {
		base = "http://localhost/"
		if name != "-" {
			base += filepath.Base(name)
		}
		fmt.Fprintf(stderr, "trawl: reading the page as %s (choose another URL with --url)\n", base)
	}
	u, err := crawler.ParseURL(base)
	if err != nil {
		return nil, usage("url: %v", err)
	}
	body, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, usage("read %s: %v", name, err)
	}
	page := &fetched.Page{URL: u, Status: http.StatusOK, Header: http.Header{}, Started: time.Now(),
		Truncated: int64(len(body)) > limit}
	if kind := mime.TypeByExtension(filepath.Ext(name)); kind != "" {
		kind, _, _ = strings.Cut(kind, ";") // the charset of the table is only a guess
		page.Header.Set("Content-Type", kind)
	}
	body = body[:min(int64(len(body)), limit)]
	page.Body = &fetched.Body{Head: body, Size: int64(len(body)), Release: func() {}}
	return page, nil
}

// fetchPage fetches a page as trawl fetch does.
func fetchPage(ctx context.Context, s settings, url string) (*fetched.Page, error) {
	u, err := crawler.ParseURL(url)
	if err != nil {
		return nil, usage("%v", err)
	}
	s.Follow, s.Scope, s.Seeds, s.FollowRules, s.Select, s.Extract = false, crawler.ScopeAny, nil, nil, nil, nil
	s.Sitemaps, s.Resources, s.Schedule, s.Format = false, false, "", []string{"jsonl"}
	var kept keeper
	err = fetchTo(ctx, s, literal([]string{u.String()}), &kept, func(summary) {})
	switch result := kept.last(); {
	case result == nil && err != nil:
		return nil, err
	case result == nil:
		return nil, failed("%s: no result", u)
	case kept.page == nil:
		return nil, &exitError{exitNothing, fmt.Sprintf("%s: %s: %s", u, result.Outcome,
			cmp.Or(result.Reason, "no page came back"))}
	}
	return kept.page, nil
}

// keeper is a sink that keeps the last page in memory. It is safe for concurrent use.
type keeper struct {
	mu     sync.Mutex
	result *fetched.Result
	page   *fetched.Page // nil if it was not fetched
}

// Keep copies the results, because they belong to the visit again when it returns.
func (k *keeper) Keep(_ context.Context, results []*fetched.Result) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range results {
		k.result = &fetched.Result{Outcome: r.Outcome, Reason: r.Reason}
		if r.Outcome != crawler.OutcomeFetched || r.Page == nil || r.Page.Body == nil {
			continue
		}
		page, body := *r.Page, r.Page.Body
		page.Recording = nil
		page.Truncated = page.Truncated || body.Spill != nil
		page.Body = &fetched.Body{Head: slices.Clone(body.Head), Size: body.Size, Digest: body.Digest,
			Release: func() {}}
		k.page = &page
	}
	return nil
}

// Needs says that the sink keeps the body.
func (*keeper) Needs() fetched.Needs { return fetched.Needs{Bodies: true} }

func (k *keeper) last() *fetched.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.result
}

// Close does nothing.
func (k *keeper) Close() error { return nil }
