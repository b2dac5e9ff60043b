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
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/sitemap"
	"github.com/trawlcrawler/trawl/tasks"
)

// likeSitemap are names under which a sitemap is usually kept.
var likeSitemap = regexp.MustCompile(`(?i)sitemap[^/]*\.xml(\.gz)?$`)

// partSitemaps parts the arguments that are named like sitemaps from the others.
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
	logins []crawler.Login // of the urls
	files  []string
}

// newSitemapList refuses what is neither a URL nor a file before anything is
// fetched.
func newSitemapList(names []string) (list sitemapList, err error) {
	for _, name := range names {
		if strings.Contains(name, "://") {
			u, login, err := crawler.ParseLogin(name)
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

// sitemapReader reads the sitemaps that the operator named for the pages that
// they list. robots.txt is not asked: the operator has.
type sitemapReader struct {
	list    sitemapList
	job     crawler.Job
	scope   *crawler.Scope
	fetcher *fetch.Fetcher
	next    time.Time // when the next request may be made

	mu  sync.Mutex
	sum seedReport
}

// newSitemapReader opens the hosts of the sitemaps that were named, at their
// ports alone, and takes them into the scope that pages must be in.
func newSitemapReader(ctx context.Context, c *tasks.Client, job string, list sitemapList, s settings) (*sitemapReader, error) {
	if len(list.urls)+len(list.files) == 0 {
		return &sitemapReader{}, nil // which needs neither a network nor a place for bodies
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
	scope, err := crawler.NewScope(status.Job, homes)
	if err != nil {
		return nil, err
	}
	return &sitemapReader{list: list, job: status.Job, scope: scope, fetcher: fetcher}, nil
}

func (r *sitemapReader) close() {
	if r.fetcher != nil {
		r.fetcher.Close()
	}
}

// report is what became of the sitemaps so far, and of the pages that were left
// out.
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

// pages yields the pages of all sitemaps, and ends with the error of ctx. What
// is wrong with a sitemap is for the report.
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

// fromFile yields the pages of a file, and of the sitemaps that it lists. As of
// any list in a file, all are taken.
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
	for l, err := range sitemap.Walk(ctx, listed, r.open, sitemap.WalkConfig{Levels: crawler.SitemapLevels - 1}) {
		if !r.bring(l, err, nil, yield) {
			return false
		}
	}
	return true
}

// bring yields a page that is within scope, if there is one, and notes what is
// wrong. It reports false when no more is wanted.
func (r *sitemapReader) bring(l sitemap.Location, err error, scope *crawler.Scope, yield func(string, error) bool) bool {
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
	r.note(func(s *seedReport) { s.Refuse(crawler.Refusal{URL: url, Reason: reason}) })
}

// mostRedirects is how many redirects to a sitemap are followed.
const mostRedirects = 10

// open gets a sitemap for a walk.
func (r *sitemapReader) open(ctx context.Context, u crawler.URL) (sitemap.Source, error) {
	for range 1 + mostRedirects {
		page, err := r.get(ctx, u)
		switch {
		case err != nil:
			return sitemap.Source{}, err
		case page.Status/100 == 2 && page.Body != nil: // also of one that broke off, what came
			r.note(func(s *seedReport) { s.Sitemaps++ })
			return sitemap.Open(page), nil
		}
		page.Release()
		if page.Location.IsZero() {
			return sitemap.Source{}, failureOf(page)
		}
		u = page.Location
	}
	return sitemap.Source{}, fmt.Errorf("more than %d redirects", mostRedirects)
}

// failureOf words why a page is no sitemap.
func failureOf(p *crawler.Page) error {
	switch {
	case p.Fault != nil:
		return errors.New(p.Fault.Text)
	case p.IsRedirect():
		return fmt.Errorf("redirects to %q, which is no URL", p.Header.Get("Location"))
	}
	return fmt.Errorf("the server answered %d", p.Status)
}

// get asks for a URL, and again for as often as the job says, when it failed in
// a way that may pass.
func (r *sitemapReader) get(ctx context.Context, u crawler.URL) (*crawler.Page, error) {
	pause := time.Duration(r.job.RetryPause)
	for tries := 0; ; tries++ {
		if err := r.wait(ctx, time.Until(r.next)); err != nil {
			return nil, err
		}
		r.next = time.Now().Add(time.Duration(r.job.Delay))
		page, err := r.fetcher.Fetch(ctx, crawler.Request{
			URL: u, UserAgent: r.job.UserAgent, From: r.job.Contact, BodyLimit: sitemapBytes, Timeout: time.Duration(r.job.Timeout),
			PortOpen: r.scope.HasPort(u.Host()), MinRate: int64(r.job.MinRate),
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

// sitemapBytes is how much of a sitemap is fetched: more than it may have.
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
