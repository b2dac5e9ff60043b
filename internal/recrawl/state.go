package recrawl

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// Size is how many bytes a packed [State] has.
const Size = 12

// State is what is known of a page. The zero value is a page that was never fetched.
type State struct {
	Last       uint32 // when the page was last fetched, in unix seconds; 0 if it never was
	Rate       int8   // the mean change rate; [State.ChangesPerDay] reads it
	Knowledge  uint8  // how much is known of the rate: about the number of changes seen, at most 36
	Importance uint8  // [Importance] makes it; 0 is an importance of 1
	Flags      Flags
	Content    uint32 // a hash of what the page said, by which a caller tells a change
}

// Flags are properties of a page.
type Flags uint8

// The flags. The two highest bits hold how reliable the signal is, in thirds. The three bits below
// them hold how long the page stays as it is according to its server; see [State.Keep].
const (
	Gone      Flags = 1 << iota // the last fetch did not find the page
	Unseen                      // no fetch has found the page yet: Content is not known
	Signalled                   // a signal says that the page has changed since the last fetch

	keptShift        = 3
	keptMask   Flags = 7 << keptShift
	trustShift       = 6
	trustMask  Flags = 3 << trustShift
)

// keptTimes are the values that a state can hold for how long a page stays as it is.
var keptTimes = [...]time.Duration{0, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 7 * 24 * time.Hour}

// Has reports whether all of the flags are set.
func (f Flags) Has(all Flags) bool { return f&all == all }

// The scales of a packed state. A rate is exp(Rate/rateSteps + rateCentre) changes a second: from
// one in 48 years to one in 19 seconds, in steps of 7 %. A shape is minShape·exp(Knowledge/shapeSteps):
// from 1/16 to 36, in steps of 2.5 %. An importance is exp(int8(Importance)/importanceSteps):
// from 1/2981 to 2800, in steps of 6 %.
const (
	rateSteps       = 14
	rateCentre      = -12
	minShape        = 1.0 / 16
	shapeSteps      = 40
	importanceSteps = 16
)

// goneImportance is the factor for the importance of a page that is gone. The page is asked for
// again, since pages come back, but rarely: its interval is about eight times as long.
const goneImportance = 1.0 / 64

// leastRate is the share of its pattern's mean rate that every page has at least. Some changes
// affect all pages alike, such as a new design, a renamed term, or the end of a section, however
// long a page has not changed.
const leastRate = 0.3

// longestGap is the longest time, in seconds, that one observation is taken to span. A longer one
// more likely means that a clock was wrong.
const longestGap = 400 * 86400

// Importance returns the packed form of an importance: how much a stale page matters, compared with
// others. An importance that is not positive becomes the least one, 1/2981; one above 2800 becomes
// 2800.
func Importance(of float64) uint8 {
	if !(of > 0) { // NaN as well
		return uint8(0x80)
	}
	steps := math.Round(math.Log(of) * importanceSteps)
	return uint8(int8(max(math.MinInt8, min(math.MaxInt8, steps))))
}

// Weight returns the importance of the page as a number. A page that is gone has a sixty-fourth
// of it.
func (s State) Weight() float64 {
	w := math.Exp(float64(int8(s.Importance)) / importanceSteps)
	if s.Flags.Has(Gone) {
		w *= goneImportance
	}
	return w
}

// ChangesPerDay returns the mean change rate, as far as it is known.
func (s State) ChangesPerDay() float64 { return s.belief().mean() * 86400 }

// Append appends the packed form to b.
func (s State) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, s.Last)
	b = append(b, byte(s.Rate), s.Knowledge, s.Importance, byte(s.Flags))
	return binary.BigEndian.AppendUint32(b, s.Content)
}

// Parse reads a packed state, which must be all of b.
func Parse(b []byte) (State, error) {
	if len(b) != Size {
		return State{}, fmt.Errorf("state of a page: want %d bytes, got %d", Size, len(b))
	}
	return State{
		Last: binary.BigEndian.Uint32(b), Rate: int8(b[4]), Knowledge: b[5], Importance: b[6], Flags: Flags(b[7]),
		Content: binary.BigEndian.Uint32(b[8:]),
	}, nil
}

// Observe returns the state after a fetch at a time that found the page changed or not since the
// fetch before. The first fetch of a page observes nothing: the state then begins with the prior. A
// fetch at a time before the last one does the same. Observe clears the signal, and leaves
// Importance, Content and the other flags to the caller.
func (s State) Observe(at time.Time, changed bool, prior Prior) State {
	next := s
	next.Last = seconds(at)
	next.Flags &^= Signalled | trustMask
	b := s.before(at, prior)
	if gap := s.gap(at); gap > 0 {
		switch {
		case !changed:
			b = b.unchanged(gap)
		case s.precision() > 0:
			// A change that was announced is fetched as it happens, so its time is known.
			b = b.changedAt(gap)
		default:
			b = b.changedWithin(gap)
		}
	}
	next.store(b.atLeast(leastRate*prior.belief().mean()), s.dither(at))
	return next
}

// Signal returns the state of a page after a signal said that it has changed. precision is the
// share of the site's signals that were right, from 0 to 1; see [Signals]. It is kept in thirds. If
// it is below a sixth, the page is not due any sooner, but its next fetch still tells whether the
// signal was right, so that a site can win back its trust.
func (s State) Signal(precision float64) State {
	if s.Last == 0 || !(precision >= 0) {
		return s
	}
	trust := Flags(math.Round(min(precision, 1)*3)) << trustShift
	if s.Flags.Has(Signalled) {
		trust = max(trust, s.Flags&trustMask)
	}
	s.Flags = s.Flags&^trustMask | Signalled | trust
	return s
}

// Keep returns the state of a page that, according to its server, stays as it is for a time after
// the last fetch. Until then it is not due, unless there is a signal or the longest interval has
// passed. The time is rounded down to one of eight from 0 to a week.
func (s State) Keep(d time.Duration) State {
	at := 0
	for at+1 < len(keptTimes) && keptTimes[at+1] <= d {
		at++
	}
	s.Flags = s.Flags&^keptMask | Flags(at)<<keptShift
	return s
}

// Kept returns how long the page stays as it is after its last fetch, according to its server; 0 if
// the server says nothing.
func (s State) Kept() time.Duration { return keptTimes[s.Flags&keptMask>>keptShift] }

// precision returns how reliable the page's signal is, from 0 to 1; 0 if it has none.
func (s State) precision() float64 {
	if !s.Flags.Has(Signalled) {
		return 0
	}
	return float64(s.Flags>>trustShift) / 3
}

// gap returns the time since the last fetch in seconds; 0 if the page was never fetched, or if that
// fetch is in the future.
func (s State) gap(at time.Time) float64 {
	if s.Last == 0 {
		return 0
	}
	return max(0, min(at.Sub(time.Unix(int64(s.Last), 0)).Seconds(), longestGap))
}

func seconds(at time.Time) uint32 {
	return uint32(max(1, min(at.Unix(), math.MaxUint32)))
}

// before returns what is known of the rate just before a fetch.
func (s State) before(at time.Time, prior Prior) belief {
	p := prior.belief()
	if s.Last == 0 {
		return p
	}
	return s.belief().aged(s.gap(at), p)
}

func (s State) belief() belief {
	shape := minShape * math.Exp(float64(s.Knowledge)/shapeSteps)
	mean := math.Exp(float64(s.Rate)/rateSteps + rateCentre)
	return belief{shape: shape, scale: shape / mean}
}

// store packs what is known of the rate. One observation may change a value by less than a step of
// its scale, so values are rounded up or down at random, and are right on average.
func (s *State) store(b belief, dither uint64) {
	s.Knowledge = uint8(round(math.Log(b.shape/minShape)*shapeSteps, 0, math.MaxUint8, dither))
	s.Rate = int8(round((math.Log(b.mean())-rateCentre)*rateSteps, math.MinInt8, math.MaxInt8, dither<<32))
}

// round rounds a number up or down at random, as the bits of chance decide, within bounds.
func round(v, lowest, highest float64, chance uint64) float64 {
	v = max(lowest, min(highest, v))
	low := math.Floor(v)
	if v-low > float64(chance>>32)/(1<<32) {
		return low + 1
	}
	return low
}

// dither returns bits that look random, and are the same for the same fetch.
func (s State) dither(at time.Time) uint64 {
	x := uint64(s.Last)<<32 | uint64(seconds(at))
	x ^= uint64(s.Content) * 0x9e3779b97f4a7c15
	x ^= uint64(uint8(s.Rate))<<8 | uint64(s.Knowledge)
	// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
