package robots

import (
	"encoding/binary"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// How long the robots.txt of an authority is remembered, and the pauses between tries.
const (
	rulesLife   = 24 * time.Hour   // RFC 9309, 2.4: no longer than 24 hours
	failureLife = time.Hour        // then the tries start over
	blockedLife = 5 * time.Second  // of an address that one job or worker may not connect to, but others may
	firstPause  = time.Second      // before the second try
	pauseGrowth = 4                // factor between consecutive pauses
	maxPause    = 10 * time.Minute // the longest pause
)

// kind is the result of requesting a robots.txt.
type kind byte

const (
	kindRules       kind = 1 + iota // it was fetched, or there is none, which is equivalent to an empty one
	kindUnreachable                 // it could not be fetched, but a retry may succeed
	kindHopeless                    // it could not be fetched, and retrying will not help
)

// record is what the fleet remembers about the robots.txt of one authority.
type record struct {
	kind  kind
	at    time.Time          // when it was requested, to the millisecond
	tries int                // consecutive failed requests
	pause time.Duration      // from at until the next request
	class crawler.ErrorClass // why the host was not reached; "" if it responded
	text  string             // the condensed robots.txt, or why there is none
}

// life returns how long a record is valid.
func (r record) life() time.Duration {
	switch {
	case r.kind == kindRules:
		return rulesLife
	case r.class == crawler.ErrorBlocked:
		return blockedLife
	}
	return failureLife
}

// stands reports whether the record settles a request at now, so that nothing need be
// fetched. If it does not, its tries still count.
func (r record) stands(now time.Time, tries int) bool {
	return r.kind == kindRules || r.givenUp(tries) || r.again(now) > 0
}

// givenUp reports whether the fleet has stopped trying, for a job that allows this many
// tries.
func (r record) givenUp(tries int) bool {
	return r.kind == kindHopeless || r.kind == kindUnreachable && r.tries >= tries
}

// again returns how long it is until the next try.
func (r record) again(now time.Time) time.Duration { return r.at.Add(r.pause).Sub(now) }

// pauseAfter returns the pause after this many failed tries: 1s, 4s, 16s, 64s … at most
// 10m. Jitter shortens it by up to a quarter, so that authorities that failed together
// are not all requested at once.
func pauseAfter(tries int, jitter func(most time.Duration) time.Duration) time.Duration {
	pause := firstPause
	for i := 1; i < tries && pause < maxPause; i++ {
		pause *= pauseGrowth
	}
	pause = min(pause, maxPause)
	return (pause - jitter(pause/4)).Round(time.Millisecond)
}

// recordVersion is the first byte of every packed record. A record with another version
// has another layout and is ignored.
const recordVersion = 3

// pack encodes r for the cache:
//
//	version kind varint(unix ms) uvarint(tries) uvarint(pause in ms) uvarint(length of class) class text
func (r record) pack() []byte {
	b := make([]byte, 0, 20+len(r.text))
	b = append(b, recordVersion, byte(r.kind))
	b = binary.AppendVarint(b, r.at.UnixMilli())
	b = binary.AppendUvarint(b, uint64(r.tries))
	b = binary.AppendUvarint(b, uint64(r.pause.Milliseconds()))
	b = binary.AppendUvarint(b, uint64(len(r.class)))
	b = append(b, r.class...)
	return append(b, r.text...)
}

// textAt returns where the text begins in a packed record.
func (r record) textAt(packed []byte) int { return len(packed) - len(r.text) }

// unpack decodes a packed record. It returns false for anything that pack does not
// produce.
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
	length, q := binary.Uvarint(b)
	b = b[max(q, 0):]
	if r.kind < kindRules || r.kind > kindHopeless || min(n, m, o, q) <= 0 || length > uint64(len(b)) ||
		tries > 1<<30 || pause > uint64(maxPause.Milliseconds()) {
		return record{}, false
	}
	r.at, r.tries = time.UnixMilli(ms), int(tries)
	r.pause = time.Duration(pause) * time.Millisecond
	r.class, r.text = crawler.ErrorClass(b[:length]), string(b[length:])
	return r, true
}
