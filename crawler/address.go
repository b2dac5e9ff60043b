package crawler

import (
	"context"
	"net/netip"
	"time"
)

// Where many hosts share an address, a job may be polite to the address as well:
// then one visit at a time is made to it, and the others line up.

// Locator finds the address that requests to a host go to. It is safe for
// concurrent use.
type Locator interface {
	Locate(ctx context.Context, h Host) (netip.Addr, error)
}

// Bounds of visits that share an address.
const (
	crowdedTime = 5 * time.Second // a visit lasts no longer while others wait for its address
	parkedTime  = time.Minute     // after which a host that waits for an address asks by itself
)

// occupy takes the address of the host, if the job is polite to addresses. When
// another visit has it, this one ends. It is called before the first request.
func (v *visit) occupy() {
	delay := time.Duration(v.job.AddressDelay)
	if delay == 0 || v.ending != "" {
		return
	}
	ip, err := v.locator.Locate(v.doing, v.order.Host)
	if err != nil || v.exempt(ip) {
		return // what is wrong with its name, the requests will tell
	}
	var got Occupancy
	if !v.held(func(ctx context.Context) (err error) {
		got, err = v.turn.Occupy(ctx, ip)
		return err
	}) {
		return
	}
	if !got.Held {
		v.parked = true
		v.end(EndPause)
		return
	}
	v.occupied = true
	v.pace.widen(delay)
	v.pace.hold(got.Wait)
	if ends := time.Now().Add(got.Wait + max(crowdedTime, delay+time.Second)); got.Others > 0 && ends.Before(v.ends) {
		v.ends = ends
	}
}

// exempt reports whether an address may be asked without regard to others.
func (v *visit) exempt(ip netip.Addr) bool {
	for _, prefix := range v.exempts {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// rest is how the visit leaves its host.
func (v *visit) rest() Rest {
	r := Rest{
		Wait: v.pace.remaining(), Last: v.pace.ago(), Gap: v.pace.own(), Standing: v.standing.now(), Failure: v.report.Failure,
	}
	r.Standing.Traps = v.traps.keep()
	if v.occupied {
		r.AddressWait = v.pace.left(time.Duration(v.job.AddressDelay))
	}
	if v.parked {
		r.NotBefore = parkedTime
	}
	return r
}
