package simulate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// site is the web of a run: it responds to requests and keeps a log for each host.
type site struct {
	sim *sim

	mu    sync.Mutex
	hosts map[string]*hostLog
	tries map[string]int       // number of requests so far, by job and URL
	busy  []func()             // what happens a moment after the next request for a page
	asked map[string]*askedLog // of continuous jobs, by job
}

// hostLog is what a host has seen.
type hostLog struct {
	host *host
	open []*visitRequest // under way
	last *visitRequest
	// robotsKnown says that a final response for its robots.txt was sent.
	robotsKnown bool
	delayKnown  bool // a page was requested since
}

// visitRequest is a request at a host.
type visitRequest struct {
	worker string // process
	job    string
	url    string
	began  time.Time
	owed   time.Duration // the gap that the job owes the host
}

// fetcher makes the requests of one job in one process. It implements [visit.Fetcher].
type fetcher struct {
	site    *site
	process *process
	job     crawler.Job
}

// Fetch makes one request: the request travels to its host, and the response arrives
// after the time that the page takes.
func (f fetcher) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	began, page := time.Now(), (*fetched.Page)(nil)
	name := f.job.Name + " " + r.URL.String()
	tracer := httptrace.ContextClientTrace(ctx)
	err := f.process.interact(ctx, toWeb, name, func() error {
		if tracer != nil {
			tracer.WroteRequest(httptrace.WroteRequestInfo{})
		}
		request := f.site.begin(f.process, f.job, r.URL)
		f.process.arbiter.trace.add("%s asks %s", f.process.name, name)
		var takes time.Duration
		page, takes = f.site.answer(f.job, r)
		ended := sleep(ctx, min(takes, r.Timeout))
		f.site.end(request)
		if ended != nil {
			return ended
		}
		if takes > r.Timeout {
			page = &fetched.Page{URL: r.URL, Fault: &fetched.Fault{Kind: fetched.FaultTimeout,
				Text: "no answer in time", Passes: true}}
		}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	if tracer != nil {
		tracer.GotFirstResponseByte()
	}
	page.Started, page.Duration = began, time.Since(began)
	return page, nil
}

// sleep waits, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// answer returns the response of a host, and how long it takes.
func (s *site) answer(job crawler.Job, r fetched.Request) (*fetched.Page, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := r.URL
	at := job.Name + " " + u.String()
	s.tries[at]++
	if u.Path() == "/robots.txt" {
		return s.robots(u, s.tries[at])
	}
	p := s.sim.world.pages[u.String()]
	if p == nil {
		return respond(u, 404, ""), 10 * time.Millisecond
	}
	if s.tries[at] <= p.failing {
		return failing(p), p.takes
	}
	if s.sim.world.tick > 0 {
		return s.living(p, r), p.takes
	}
	answer := respond(u, p.status, "body of "+u.String())
	if p.to != nil {
		answer.Location = p.to.url
	}
	return answer, p.takes
}

func failing(p *page) *fetched.Page {
	switch p.how {
	case "reset":
		return &fetched.Page{URL: p.url, Fault: &fetched.Fault{Kind: fetched.FaultReset, Text: "connection reset",
			Passes: true}}
	case "503":
		answer := respond(p.url, 503, "")
		answer.Header.Set("Retry-After", "1")
		return answer
	}
	return respond(p.url, 500, "")
}

func (s *site) robots(u crawler.URL, try int) (*fetched.Page, time.Duration) {
	h := s.hosts[string(u.Host())].host
	takes := 5 * time.Millisecond
	if try <= h.robots.failing {
		return respond(u, 500, ""), takes
	}
	var text strings.Builder
	text.WriteString("User-agent: *\n")
	if h.robots.private {
		text.WriteString("Disallow: /private\n")
	}
	if h.robots.sitemap {
		fmt.Fprintf(&text, "Sitemap: https://%s/sitemap.xml\n", h.name)
	}
	if h.robots.delay > 0 {
		fmt.Fprintf(&text, "Crawl-delay: %d\n", int(h.robots.delay.Seconds()))
	}
	return respond(u, h.robots.status, text.String()), takes
}

// respond returns a response with a body.
func respond(u crawler.URL, status int, text string) *fetched.Page {
	body := []byte(text)
	return &fetched.Page{
		URL: u, Status: status, Proto: "HTTP/1.1",
		Header: http.Header{"Content-Type": {"text/html"}, "Content-Length": {strconv.Itoa(len(body))}},
		Body: &fetched.Body{Head: bytes.Clone(body), Size: int64(len(body)), Digest: sha256.Sum256(body),
			Release: func() {}},
	}
}

// parser parses pages. It implements [visit.Parser].
type parser struct{ world *world }

// Parse returns the links of a page.
func (p parser) Parse(_ context.Context, from *fetched.Page) (*fetched.Document, error) {
	doc := &fetched.Document{Charset: "utf-8", Title: from.URL.String()}
	at := p.world.pages[from.URL.String()]
	if at == nil {
		return doc, nil
	}
	met := make(map[crawler.URL]bool)
	for _, to := range at.links {
		if !met[to.url] {
			met[to.url] = true
			doc.Links = append(doc.Links, rules.Link{URL: to.url})
		}
	}
	return doc, nil
}
