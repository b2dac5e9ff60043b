package crawler

import "time"

// How a visit shares its host with the other jobs of the fleet.

// begin learns whether the turn holds the host. If another job does, or its requests
// were so recent that this visit would have to wait for long, the visit ends before
// it has asked for anything.
func (v *visit) begin() {
	if !v.turn.Sharing().Held {
		v.end(EndPause)
		return
	}
	v.share()
	if v.pace.remaining() > waitsLong {
		v.end(EndPause)
	}
}

// share keeps the gap that other jobs owe the host. While one of them waits for the
// host, the visit lasts no longer than crowdedTime.
func (v *visit) share() {
	s := v.turn.Sharing()
	v.pace.share(s.Last, s.Gap)
	if !s.Others || v.crowded {
		return
	}
	v.crowded = true
	if ends := time.Now().Add(crowdedTime); ends.Before(v.ends) {
		v.ends = ends
	}
}
