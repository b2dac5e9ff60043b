// Package activity measures what the visits of a job spend their time on, to tell what limits
// a crawl.
//
// A [Meter] adds up the time of all visits of a job in a worker. Each visit has a [Timer]. A
// [Spent] is what was measured within a time.
package activity

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a visit spends time on.
type Kind int

// The kinds of activities. If a visit does several at once, the time counts for the first
// of them: a request that waits for its turn limits the visit, whatever is settled meanwhile.
const (
	Parsing    Kind = iota // reading pages, or waiting for a processor to do so
	Handlers               // in the handlers of a program
	DNS                    // looking up addresses
	Server                 // a request is under way
	Politeness             // waiting until the next request may start
	Output                 // keeping pages, or waiting until they can be kept
	Redis                  // waiting for the frontier
	Other                  // anything else
	Kinds                  // the number of kinds
)

// Names are the names of the kinds, in their order, for people and programs.
var Names = [Kinds]string{"parsing", "handlers", "DNS", "slow servers", "politeness", "output", "Redis", "other"}

// Spent is the time spent on each kind.
type Spent [Kinds]time.Duration

// Total returns the sum over all kinds.
func (s Spent) Total() (total time.Duration) {
	for _, d := range s {
		total += d
	}
	return total
}

// Plus returns the sum of two times.
func (s Spent) Plus(o Spent) Spent {
	for k := range s {
		s[k] += o[k]
	}
	return s
}

// Minus returns what s has more than o.
func (s Spent) Minus(o Spent) Spent {
	for k := range s {
		s[k] -= o[k]
	}
	return s
}

// String packs a time as milliseconds, separated by dots: "0.0.12.340".
func (s Spent) String() string {
	var b strings.Builder
	for k, d := range s {
		if k > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatInt(d.Milliseconds(), 10))
	}
	return b.String()
}

// Parse reads what String returns. It returns false for anything else, such as what a
// version with other kinds has packed.
func Parse(text string) (s Spent, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != int(Kinds) {
		return Spent{}, false
	}
	for k, part := range parts {
		ms, err := strconv.ParseUint(part, 10, 40)
		if err != nil {
			return Spent{}, false
		}
		s[k] = time.Duration(ms) * time.Millisecond
	}
	return s, true
}

// Meter adds up the time of visits. The zero value is ready to use. It is safe for
// concurrent use.
type Meter struct {
	mu    sync.Mutex
	live  map[*Timer]bool
	ended Spent // by visits that are over
}

// Spent returns the time spent so far, also by visits that are under way.
func (m *Meter) Spent() Spent {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.ended
	for t := range m.live {
		all = all.Plus(t.read())
	}
	return all
}

// Start begins to time a visit, at a time in the past or now.
func (m *Meter) Start(at time.Time) *Timer {
	t := &Timer{meter: m, since: at}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live == nil {
		m.live = make(map[*Timer]bool)
	}
	m.live[t] = true
	return t
}

// Timer times one visit. It is safe for concurrent use. A nil Timer does nothing.
type Timer struct {
	meter *Meter

	mu     sync.Mutex
	under  [Kinds]int // how many of each kind are under way
	since  time.Time  // up to which time is counted
	spent  Spent
	closed bool
}

// Enter begins an activity, and Leave ends it.
func (t *Timer) Enter(k Kind) { t.add(k, 1) }

// Leave ends an activity that was begun with Enter.
func (t *Timer) Leave(k Kind) { t.add(k, -1) }

func (t *Timer) add(k Kind, n int) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count()
	t.under[k] += n
}

// count counts the time up to now. t.mu is held.
func (t *Timer) count() {
	now := time.Now()
	if !t.closed {
		t.spent[t.limiting()] += now.Sub(t.since)
	}
	t.since = now
}

// limiting returns the first kind that is under way. t.mu is held.
func (t *Timer) limiting() Kind {
	for k, n := range t.under {
		if n > 0 {
			return Kind(k)
		}
	}
	return Other
}

func (t *Timer) read() Spent {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count()
	return t.spent
}

// Stop ends the timing of a visit.
func (t *Timer) Stop() {
	if t == nil {
		return
	}
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	if !t.meter.live[t] {
		return
	}
	delete(t.meter.live, t)
	t.meter.ended = t.meter.ended.Plus(t.read())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}

// key is the key of the timer in a context.
type key struct{}

// With returns a context of a visit, for activities that happen in other packages.
func With(ctx context.Context, t *Timer) context.Context { return context.WithValue(ctx, key{}, t) }

// Of returns the timer of a context, which is nil if it has none.
func Of(ctx context.Context) *Timer {
	t, _ := ctx.Value(key{}).(*Timer)
	return t
}

// Window returns what was spent within a recent time. It is not safe for concurrent use.
type Window struct {
	span    time.Duration
	samples []sample // the oldest first
}

type sample struct {
	at    time.Time
	spent Spent
}

// samplesKept is about how many samples a window keeps.
const samplesKept = 20

// NewWindow returns a window of a span.
func NewWindow(span time.Duration) *Window { return &Window{span: span} }

// Add adds what a meter says at a time. It returns what was spent within the window, and how
// long that is; less than the span in the beginning.
func (w *Window) Add(at time.Time, spent Spent) (Spent, time.Duration) {
	if n := len(w.samples); n == 0 || at.Sub(w.samples[n-1].at) >= w.span/samplesKept {
		w.samples = append(w.samples, sample{at, spent})
	}
	for len(w.samples) > 2 && at.Sub(w.samples[1].at) >= w.span {
		w.samples = w.samples[1:]
	}
	first := w.samples[0]
	return spent.Minus(first.spent), at.Sub(first.at)
}
