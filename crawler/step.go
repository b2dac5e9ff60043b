package crawler

import (
	"context"
	"fmt"
	"time"
)

// What an errand does on behalf of its visit, in a lane.

// robotsLimit is how much of a robots.txt is read: RFC 9309, 2.5 asks for at
// least 500 kibibytes.
const robotsLimit = 512 << 10

// ruling asks what robots.txt says, once a visit for each origin, by means of
// get; fresh says that it was asked just now. When it can not be had now, the
// visit ends and the host rests until it may be asked for again.
func (v *visit) ruling(u URL, get func(context.Context, URL) (*Page, error)) (r Ruling, fresh bool, err error) {
	v.rulingsMu.Lock()
	defer v.rulingsMu.Unlock()
	origin := u.Origin()
	if r, ok := v.rulings[origin]; ok {
		return r, false, nil
	}
	began := false // it follows redirects: to end here would ask for the first again
	defer func() {
		if began {
			v.asking.Add(-1)
		}
	}()
	err = v.insist(func() (err error) {
		r, err = v.robots.Ruling(v.doing, *v.settings(), u, func(ctx context.Context, u URL) (*Page, error) {
			page, err := get(ctx, u)
			if !began {
				began = true
				v.asking.Add(1)
			}
			return page, err
		})
		return err
	})
	if err != nil {
		return Ruling{}, false, err
	}
	if r.Allowed == nil && r.Again > 0 {
		v.log.Info("robots.txt can not be had", "origin", origin, "reason", r.Unavailable, "again", r.Again)
		v.pace.hold(r.Again)
		v.stop()
		return Ruling{}, false, errStopped
	}
	v.pace.widen(r.Delay)
	v.rulings[origin] = r
	return r, true, nil
}

// request is a request with what allows it.
type request struct {
	Request
	rules  *RobotsText
	robots bool // it is for a robots.txt
}

// fetch makes one request when it is its turn.
func (v *visit) fetch(r request) (*Page, error) {
	if err := v.announceGap(); err != nil {
		return nil, err
	}
	start, err := v.pace.wait(v.starting)
	if err != nil || v.lease.over() {
		if start != nil {
			start.end()
		}
		return nil, errStopped
	}
	defer start.end()
	v.asking.Add(1)
	defer v.asking.Add(-1)
	r.PortOpen, r.MinRate, r.Jar = v.scope.HasPort(r.URL.Host()), int64(v.settings().MinRate), v.jar
	page, err := v.fetcher.Fetch(start.trace(v.fetching), r.Request)
	if err != nil {
		if v.fetching.Err() != nil {
			err = errStopped
		}
		return nil, err
	}
	start.end()
	if page.Fault != nil {
		page.Fault.Text = Printable(page.Fault.Text)
	}
	v.made(v.exchangeOf(r, start, page))
	v.pace.learn(start, v.settings().Throttle/float64(v.connections), page.Status >= 200 && page.Status < 300)
	v.receive(page)
	return page, nil
}

// receive lets the host rest when it refuses requests or is not reached, and ends
// the visit when it is given up.
func (v *visit) receive(p *Page) {
	pause := v.standing.receive(p, time.Duration(v.settings().RetryPause), v.cfg.Jitter)
	if pause == 0 {
		return
	}
	if v.standing.lost(v.settings().HostTries) != "" {
		v.stop()
		return
	}
	v.log.Info("the host is left alone", "reason", failure(p), "for", pause)
	v.pace.hold(pause)
}

// parse reads a page, which somebody may have called a sitemap, as one of few at
// once. A parser that panics, or takes too long, costs the page its document;
// trouble says so.
func (v *visit) parse(p *Page, sitemap bool) (doc *Document, trouble string, err error) {
	select {
	case v.cfg.CPU <- struct{}{}:
	case <-v.doing.Done():
		return nil, "", errStopped
	}
	defer func() {
		<-v.cfg.CPU
		if r := recover(); r != nil {
			v.log.Error("the parser panicked", "url", p.URL.String(), "panic", fmt.Sprint(r))
			doc, trouble, err = nil, fmt.Sprintf("the parser panicked: %v", r), nil
		}
	}()
	ctx, cancel := context.WithTimeout(v.doing, v.cfg.ParseTime)
	defer cancel()
	doc, err = v.document(ctx, p, sitemap)
	if err != nil && ctx.Err() != nil && v.doing.Err() == nil {
		return nil, "it was not read: that takes more than " + v.cfg.ParseTime.String(), nil
	}
	return doc, "", err
}

// document reads a page as what it is. A job that reads sitemaps looks for those
// first, since servers send them as HTML too; and what is called a sitemap may be
// a page of HTML nevertheless.
func (v *visit) document(ctx context.Context, p *Page, sitemap bool) (*Document, error) {
	if v.sitemaps != nil {
		if doc, err := v.sitemaps.ParseSitemap(ctx, p, sitemap); doc != nil || err != nil {
			return doc, err
		}
	}
	return v.parser.Parse(ctx, p)
}
