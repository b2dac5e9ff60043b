package crawler

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Exchange is one request that was made to a host, whatever came of it: for a
// page, a hop of a redirect, or a robots.txt.
type Exchange struct {
	Job        string
	Worker     string
	URL        URL
	Start      time.Time      // when it was sent
	Gap        time.Duration  // that was to lie between the request before and this one
	Duration   time.Duration  // until its answer was whole
	Status     int            // HTTP status; 0 when none came
	Address    netip.AddrPort // the peer; zero when none was reached, or only its proxy knows
	Proxy      string         // that it was reached through, without a login; "" for none
	Fault      string         // what went wrong; "" when a whole answer came
	RetryAfter time.Duration  // for which the host asked to be left alone
	Politeness Politeness     // PolitenessJob, or "" for what the fleet keeps
	// Rules are what allowed the request. Nil when it was for a robots.txt, and
	// when the job ignores them.
	Rules *RobotsText
	// Robots says that the request was for a robots.txt.
	Robots bool
}

// RobotsText is the robots.txt of an origin as it was had.
type RobotsText struct {
	Origin string
	Text   string    // its lines that mean something to a crawler
	At     time.Time // when it was had
}

// Journal notes the requests of a job, so that it can be shown afterwards how
// polite it was. It is safe for concurrent use.
type Journal interface {
	Note(ctx context.Context, requests []Exchange) error
}

// exchangeOf is the request that brought a page.
func (v *visit) exchangeOf(r request, s *start, p *Page) Exchange {
	x := Exchange{
		Job: v.job.Name, Worker: v.cfg.Worker, URL: r.URL, Start: p.Started, Gap: s.gap, Status: p.Status,
		Address: p.Address, Proxy: p.Proxy, RetryAfter: retryAfter(p), Rules: r.rules, Robots: r.robots,
	}
	if !s.sent.IsZero() && s.traced {
		x.Start = s.sent
	}
	x.Duration = p.Started.Add(p.Duration).Sub(x.Start)
	if v.job.Politeness == PolitenessJob {
		x.Politeness = PolitenessJob
	}
	if p.Fault != nil {
		x.Fault = p.Fault.Text
	}
	return x
}

// made notes a request, to be written down with the next batch.
func (v *visit) made(x Exchange) {
	if v.journal == nil {
		return
	}
	v.requestsMu.Lock()
	defer v.requestsMu.Unlock()
	v.requests = append(v.requests, x)
}

// note writes down what requests were made since it was last called.
func (v *visit) note(ctx context.Context) error {
	v.requestsMu.Lock()
	requests := v.requests
	v.requests = nil
	v.requestsMu.Unlock()
	if len(requests) == 0 {
		return nil
	}
	err := v.journal.Note(ctx, requests)
	if err != nil { // they are noted with the next
		v.requestsMu.Lock()
		defer v.requestsMu.Unlock()
		v.requests = append(requests, v.requests...)
		return fmt.Errorf("%w: %w", ErrKeep, err)
	}
	return nil
}
