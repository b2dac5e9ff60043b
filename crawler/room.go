package crawler

import "time"

// How a visit gives its place in the worker away: one that only waits for its host, and
// one that is recalled, for another job or for a host with urgent URLs.

// waitsLong is the wait from which a visit would rather give its place away. It
// is a little longer than the default delay of a second: a host at that pace is
// visited once for many pages, which costs Redis less than a visit for each.
const waitsLong = 1200 * time.Millisecond

// makeRoom ends the visit if nothing is under way, its next request is far off,
// and other hosts could use the place, or another job the host. What was taken returns to the queue, and
// the host is due when it may be asked again.
func (v *visit) makeRoom() {
	if v.turn.Recalled() && v.taken > v.out { // it has done one URL at least
		v.end(EndShare)
	}
	if v.ending != "" || v.asking.Load() > 0 || v.pace.remaining() < waitsLong {
		return
	}
	if v.crowded || v.cfg.Full() || v.turn.Short() {
		v.end(EndPause)
	}
}
