package visit

import (
	"context"
	"net/netip"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file shares hosts, their addresses and the places of the worker: with other jobs of
// the fleet, with other hosts at the address, and with other hosts of the job.

// Locator finds the address that requests to a host go to. It is safe for
// concurrent use.
type Locator interface {
	Locate(ctx context.Context, h crawler.Host) (netip.Addr, error)
}

// Bounds of visits to a shared address.
const (
	crowdedTime = 5 * time.Second // the longest that a visit lasts while others wait for its address
	parkedTime  = time.Minute     // how long a host waits in line for an address before it tries again by itself
)

// waitsLong is how long a visit must have to wait before it gives up its place to another host or
// job. It is a little longer than the default delay of a second: a host with that delay gets one
// visit for many pages, which costs Redis less than a visit for each.
const waitsLong = 1200 * time.Millisecond

// begin learns whether the visit holds the host. If another job holds the host, or made a request
// so recently that this visit would have to wait long, the visit ends before its first request.
func (v *visit) begin() {
	if !v.lease.host.Sharing().Held {
		v.life.end(queue.EndPause)
		return
	}
	v.share()
	if v.host.pace.remaining() > waitsLong {
		v.life.end(queue.EndPause)
	}
}

// share keeps the gap that other jobs owe the host. While one of them waits for the
// host, the visit lasts no longer than crowdedTime.
func (v *visit) share() {
	s := v.lease.host.Sharing()
	v.host.pace.share(s.Last, s.Gap)
	if !s.Others || v.host.crowded {
		return
	}
	v.host.crowded = true
	v.taker.endBy(time.Now().Add(crowdedTime))
}

// Many hosts may share one address. A job can be polite to addresses as well as to hosts:
// then only one visit at a time makes requests to an address, and the others wait in line.

// occupy claims the address of the host, if the job is polite to addresses. If another
// visit holds the address, this visit ends. Call occupy before the first request.
func (v *visit) occupy() {
	delay := v.visitor.settings().AddressGap()
	if delay == 0 || v.visitor.locator == nil || !v.life.continues() {
		return
	}
	ip, err := v.visitor.locator.Locate(v.life.doing, v.host.name)
	if err != nil || v.visitor.exempt(ip) {
		return // if its name cannot be resolved, the requests report that
	}
	var got queue.Occupancy
	if !v.lease.held(func(ctx context.Context) (err error) {
		got, err = v.lease.host.Occupy(ctx, ip)
		return err
	}) {
		return
	}
	if !got.Held {
		v.host.parked = true
		v.life.end(queue.EndPause)
		return
	}
	v.host.occupied = true
	v.host.pace.widen(delay)
	v.host.pace.hold(got.Wait)
	if got.Others > 0 {
		v.taker.endBy(time.Now().Add(got.Wait + max(crowdedTime, delay+time.Second)))
	}
}

// exempt reports whether politeness does not apply to the address.
func (w *Visitor) exempt(ip netip.Addr) bool {
	for _, prefix := range w.exempts {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// makeRoom ends the visit if nothing is half done, the next request is far off, and another
// host could use the place or another job the host. The URLs taken return to the queue, and
// the host is due again when its gap is over.
func (v *visit) makeRoom() {
	inBrowser := v.visitor.browser != nil && v.requests.busy.Load() > 0
	if v.lease.host.Recalled() && v.taker.worked() && !inBrowser { // it has done at least one URL
		v.life.end(queue.EndShare)
	}
	if !v.life.continues() || v.requests.busy.Load() > 0 || v.host.pace.remaining() < waitsLong {
		return
	}
	if v.host.crowded || v.visitor.cfg.Full() || v.lease.host.Short() {
		v.life.end(queue.EndPause)
	}
}

// heed applies what the frontier answered last: the operator's decisions about the host,
// and what is known of other jobs there.
func (v *visit) heed() {
	v.obey(v.lease.host.Rules())
	v.share()
}

// obey applies the operator's decisions about the host.
func (v *visit) obey(r crawler.HostRules) {
	job := v.visitor.settings()
	delay := job.Delay
	if r.Delay != nil {
		delay = time.Duration(*r.Delay)
	}
	v.host.pace.keep(delay)
	v.taker.pages = job.PagesPerHost
	if r.Pages > 0 {
		v.taker.pages = r.Pages
	}
	v.host.traps.allow(r.Ask)
	if r.Paused || job.PerHost != v.taker.connections { // the next visit opens as many connections as are wanted
		v.life.end(queue.EndPause)
	}
}
