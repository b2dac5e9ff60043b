package robots

import (
	"encoding/binary"
	"time"
)

// What is remembered of an authority, and for how long.
const (
	rulesLife   = 24 * time.Hour   // RFC 9309, 2.4: no longer than 24 hours
	failureLife = time.Hour        // after which everything is asked anew
	firstPause  = time.Second      // before the second try
	pauseGrowth = 4                // each further pause is so many times the one before
	maxPause    = 10 * time.Minute // and never longer
)

// kind says what came of asking for a robots.txt.
type kind byte

const (
	kindRules       kind = 1 + iota // it was had; or there is none, which is an empty one
	kindUnreachable                 // it could not be had, which may pass
	kindHopeless                    // it could not be had, and trying again will not help
)

// record is what the fleet remembers of the robots.txt of one authority.
type record struct {
	kind  kind
	at    time.Time     // when it was asked for, to the millisecond
	tries int           // how often it was asked for in vain
	pause time.Duration // from at until it may be asked for again
	text  string        // the condensed robots.txt, or why there is none
}

// life is how long a record counts.
func (r record) life() time.Duration {
	if r.kind == kindRules {
		return rulesLife
	}
	return failureLife
}

// stands reports whether the record answers a question put now, so that nothing
// needs to be fetched. Where it does not, its tries still count.
func (r record) stands(now time.Time, tries int) bool {
	return r.kind == kindRules || r.givenUp(tries) || r.again(now) > 0
}

// givenUp reports whether the fleet is done asking, for a job that allows so
// many tries.
func (r record) givenUp(tries int) bool {
	return r.kind == kindHopeless || r.kind == kindUnreachable && r.tries >= tries
}

// again is how long it is until the next try.
func (r record) again(now time.Time) time.Duration { return r.at.Add(r.pause).Sub(now) }

// pauseAfter is the pause after so many tries in vain: 1s, 4s, 16s, 64s … at
// most 10m. Up to a quarter is taken off, by jitter, so that authorities that
// fell silent together are not all asked at once.
func pauseAfter(tries int, jitter func(most time.Duration) time.Duration) time.Duration {
	pause := firstPause
	for i := 1; i < tries && pause < maxPause; i++ {
		pause *= pauseGrowth
	}
	pause = min(pause, maxPause)
	return (pause - jitter(pause/4)).Round(time.Millisecond)
}

// recordVersion begins every packed record. Another byte there means another
// layout, which is not read.
const recordVersion = 1

// pack writes r as the cache keeps it:
//
//	version kind varint(unix ms) uvarint(tries) uvarint(pause in ms) text
func (r record) pack() []byte {
	b := make([]byte, 0, 20+len(r.text))
	b = append(b, recordVersion, byte(r.kind))
	b = binary.AppendVarint(b, r.at.UnixMilli())
	b = binary.AppendUvarint(b, uint64(r.tries))
	b = binary.AppendUvarint(b, uint64(r.pause.Milliseconds()))
	return append(b, r.text...)
}

// unpack reads a packed record. It reports false for anything that pack does
// not write.
func unpack(b []byte) (record, bool) {
	if len(b) < 2 || b[0] != recordVersion {
		return record{}, false
	}
	r := record{kind: kind(b[1])}
	b = b[2:]
	ms, n := binary.Varint(b)
	b = b[max(n, 0):]
	tries, m := binary.Uvarint(b)
	b = b[max(m, 0):]
	pause, o := binary.Uvarint(b)
	b = b[max(o, 0):]
	if r.kind < kindRules || r.kind > kindHopeless || min(n, m, o) <= 0 ||
		tries > 1<<30 || pause > uint64(maxPause.Milliseconds()) {
		return record{}, false
	}
	r.at, r.tries = time.UnixMilli(ms), int(tries)
	r.pause, r.text = time.Duration(pause)*time.Millisecond, string(b)
	return r, true
}
