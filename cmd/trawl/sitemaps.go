package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sitemap"
	"github.com/trawlcrawler/trawl/internal/urltext"
	"github.com/trawlcrawler/trawl/tasks"
)

// likeSitemap matches the usual names of sitemaps.
var likeSitemap = regexp.MustCompile(`(?i)sitemap[^/]*\.xml(\.gz)?$`)

// partSitemaps separates the arguments that are named like sitemaps from the others.
func partSitemaps(args []string) (lists, sitemaps []string) {
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "?")
		if likeSitemap.MatchString(path.Base(name)) {
			sitemaps = append(sitemaps, arg)
		} else {
			lists = append(lists, arg)
		}
	}
	return lists, sitemaps
}

// sitemapList is the sitemaps that the operator named.
type sitemapList struct {
	urls   []crawler.URL
	logins []urltext.Login // one for each URL
	files  []string
}

// newSitemapList returns an error if a name is neither a URL nor a file, before anything is
// fetched.
func newSitemapList(names []string) (list sitemapList, err error) {
	for _, name := range names {
		if strings.Contains(name, "://") {
			u, login, err := parseLogin(name)
			if err != nil {
				return list, usage("sitemap: %v", err)
			}
			list.urls, list.logins = append(list.urls, u), append(list.logins, login)
			continue
		}
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			return list, usage("sitemap: %q is neither a URL (with http:// or https://) nor a file", name)
		}
		list.files = append(list.files, name)
	}
	return list, nil
}

func (l sitemapList) empty() bool { return len(l.urls)+len(l.files) == 0 }

// sitemapReader reads the sitemaps that the operator named, and yields the pages that they
// list. It does not ask robots.txt, because the operator named the sitemaps.
type sitemapReader struct {
	list    sitemapList
	job     crawler.Job
	scope   *rules.Scope
	fetcher *fetch.Fetcher
	next    time.Time // when the next request may be sent

	mu  sync.Mutex
	sum seedReport
}

// newSitemapReader allows connections to the hosts of the sitemaps that were named, only at
// their ports, and adds these hosts to the scope that pages must be in.
func newSitemapReader(ctx context.Context, c *tasks.Client, job string, list sitemapList,
	s settings) (*sitemapReader, error) {
	if len(list.urls)+len(list.files) == 0 {
		return &sitemapReader{}, nil // needs neither a network nor a place for bodies
	}
	status, err := c.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	homes, err := c.Homes(ctx, job)
	if err != nil {
		return nil, err
	}
	cfg, err := s.reach()
	if err != nil {
		return nil, err
	}
	fetcher, err := fetch.New(cfg)
	if err != nil {
		return nil, err
	}
	for i, u := range list.urls {
		fetcher.Allow(u.Host())
		if !list.logins[i].IsZero() {
			fetcher.Login(u, list.logins[i])
		}
		homes = append(homes, u.Host())
	}
	scope, err := rules.NewScope(status.Job.ScopeSettings, homes)
	if err != nil {
		return nil, err
	}
	for _, u := range list.urls {
		scope.OpenPorts([]string{u.Host().Port()})
	}
	return &sitemapReader{list: list, job: status.Job, scope: scope, fetcher: fetcher}, nil
}

func (r *sitemapReader) close() {
	if r.fetcher != nil {
		r.fetcher.Close()
	}
}

// report returns the result so far, for the sitemaps and for the pages that were refused.
func (r *sitemapReader) report() seedReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := r.sum
	sum.Refusals, sum.Faults = slices.Clone(sum.Refusals), slices.Clone(sum.Faults)
	return sum
}

func (r *sitemapReader) note(change func(*seedReport)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.sum)
}

// pages yields the pages of all sitemaps, and ends with the error of ctx. Errors of a
// sitemap go into the report.
func (r *sitemapReader) pages(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, name := range r.list.files {
			if !r.fromFile(ctx, name, yield) {
				return
			}
		}
		for l, err := range sitemap.Walk(ctx, r.list.urls, r.open, sitemap.WalkConfig{}) {
			if !r.bring(l, err, r.scope, yield) {
				return
			}
		}
	}
}

// fromFile yields the pages of a file, and of the sitemaps that it lists. All are yielded,
// in scope or not, as with any list in a file.
func (r *sitemapReader) fromFile(ctx context.Context, name string, yield func(string, error) bool) bool {
	file, err := os.Open(name)
	if err != nil {
		return yield("", err)
	}
	defer file.Close()
	r.note(func(s *seedReport) { s.Sitemaps++ })
	var listed []crawler.URL
	for l, err := range sitemap.Read(file, sitemap.Config{}) {
		if _, refusal := errors.AsType[*sitemap.Refusal](err); err != nil && !refusal {
			r.note(func(s *seedReport) { s.Faults = append(s.Faults, sitemapFault{name, err.Error()}) })
		} else if err == nil && l.Sitemap {
			listed = append(listed, l.URL)
		} else if !r.bring(l, err, nil, yield) {
			return false
		}
	}
	for l, err := range sitemap.Walk(ctx, listed, r.open, sitemap.WalkConfig{Levels: queue.SitemapLevels - 1}) {
		if !r.bring(l, err, nil, yield) {
			return false
		}
	}
	return true
}

// bring yields a page if it is in scope, and records errors. It returns false if the caller
// wants no more.
func (r *sitemapReader) bring(l sitemap.Location, err error, scope *rules.Scope, yield func(string, error) bool) bool {
	var refusal *sitemap.Refusal
	var trouble *sitemap.Trouble
	switch {
	case errors.As(err, &refusal):
		r.refuse(refusal.Text, refusal.Error())
		return true
	case errors.As(err, &trouble):
		r.note(func(s *seedReport) {
			s.Faults = append(s.Faults, sitemapFault{trouble.At.String(), trouble.Reason.Error()})
		})
		return true
	case err != nil:
		return yield("", err)
	}
	if scope != nil {
		if why := scope.Refuses(l.URL, 0); why != "" {
			r.refuse(l.URL.String(), why)
			return true
		}
	}
	return yield(l.URL.String(), nil)
}

func (r *sitemapReader) refuse(url, reason string) {
	r.note(func(s *seedReport) { queue.Refuse(&s.Seeding, crawler.Refusal{URL: url, Reason: reason}) })
}

// maxRedirects is the largest number of redirects that are followed to a sitemap.
const maxRedirects = 10

// open fetches a sitemap for a walk.
func (r *sitemapReader) open(ctx context.Context, u crawler.URL) (sitemap.Source, error) {
	for range 1 + maxRedirects {
		page, err := r.get(ctx, u)
		switch {
		case err != nil:
			return sitemap.Source{}, err
		case page.Status/100 == 2 && page.Body != nil: // if the body broke off, what arrived is used
			r.note(func(s *seedReport) { s.Sitemaps++ })
			return sitemap.Open(page), nil
		}
		page.Release()
		if page.Location.IsZero() {
			return sitemap.Source{}, failureOf(page)
		}
		u = page.Location
	}
	return sitemap.Source{}, fmt.Errorf("more than %d redirects", maxRedirects)
}

// failureOf says why a page is not a sitemap.
func failureOf(p *fetched.Page) error {
	switch {
	case p.Fault != nil:
		return errors.New(p.Fault.Text)
	case p.IsRedirect():
		return fmt.Errorf("redirects to %q, which is not a URL", p.Header.Get("Location"))
	}
	return fmt.Errorf("the server answered %d", p.Status)
}

// get fetches a URL, and retries as often as the job says if it fails in a way that may
// pass.
func (r *sitemapReader) get(ctx context.Context, u crawler.URL) (*fetched.Page, error) {
	pause := r.job.RetryPause
	for tries := 0; ; tries++ {
		if err := r.wait(ctx, time.Until(r.next)); err != nil {
			return nil, err
		}
		r.next = time.Now().Add(r.job.Delay)
		page, err := r.ask(ctx, fetched.Request{
			URL: u, UserAgent: r.job.UserAgent, From: r.job.Contact, BodyLimit: sitemapBytes,
			Timeout:  r.job.Timeout,
			PortOpen: r.scope.HasPort(u.Host()), MinRate: int64(r.job.MinRate), TLS: r.job.TLS,
		})
		if err != nil || page.Outcome() != crawler.OutcomeRetry || tries >= r.job.Retries {
			return page, err
		}
		page.Release()
		if err := r.wait(ctx, pause); err != nil {
			return nil, err
		}
		pause *= 2
	}
}

// ask sends a request, and once more if the first answer says that it must be sent
// differently.
func (r *sitemapReader) ask(ctx context.Context, req fetched.Request) (*fetched.Page, error) {
	page, err := r.fetcher.Fetch(ctx, req)
	if err != nil || page.Fault == nil || !page.Fault.Again {
		return page, err
	}
	page.Release()
	return r.fetcher.Fetch(ctx, req)
}

// sitemapBytes is how much of a sitemap is fetched: one byte more than it may have.
const sitemapBytes = 50<<20 + 1

func (r *sitemapReader) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
