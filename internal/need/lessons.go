package need

import (
	"context"
	"hash/fnv"
	"sync"
)

// Key identifies the pages of a host that are expected to be alike: a hash of the pattern of
// their URLs and of their [Class].
type Key uint32

// Class is a range of needs. Pages of one pattern may differ, as in a shop that renders some of its
// pages on the server. So pages that look empty and pages that look complete have lessons of their
// own.
type Class byte

// The classes.
const (
	Complete Class = 'c' // the need is below 0.3
	Doubtful Class = 'd'
	Empty    Class = 'e' // the need is 0.65 or more
)

// ClassOf returns the class of a need.
func ClassOf(need float64) Class {
	switch {
	case need < 0.3:
		return Complete
	case need < 0.65:
		return Doubtful
	}
	return Empty
}

// KeyOf returns the key of a pattern and class. The empty pattern stands for all pages of the host.
func KeyOf(pattern string, c Class) Key {
	h := fnv.New32a()
	h.Write([]byte{byte(c)})
	h.Write([]byte(pattern))
	return Key(h.Sum32())
}

// Lesson counts the pages of a key that were rendered: those that gained by it, and those that did
// not. Before a number would exceed 255, both are halved, so that the lesson follows a site that
// changes.
type Lesson struct{ Gained, Plain uint8 }

// Add returns the lesson with one more page.
func (l Lesson) Add(gained bool) Lesson {
	if gained && l.Gained == 255 || !gained && l.Plain == 255 {
		l.Gained, l.Plain = l.Gained/2, l.Plain/2
	}
	if gained {
		l.Gained++
	} else {
		l.Plain++
	}
	return l
}

// tried returns how many pages were rendered.
func (l Lesson) tried() int { return int(l.Gained) + int(l.Plain) }

// Why is the reason for rendering a page, as records have it.
type Why string

// The reasons.
const (
	WhyAlways  Why = "always"  // the job renders every page
	WhyTry     Why = "try"     // too little is known of the pattern
	WhyLearned Why = "learned" // pages of the pattern gain by it
	WhySample  Why = "sample"  // pages of the pattern do not gain, but one in 64 is rendered anyway
	WhyHandler Why = "handler" // a handler asked for it
)

// Bounds of trials.
const (
	// trials is how many pages of a key are rendered before it can count as one that gains
	// nothing.
	trials = 3
	// hostTrials is how many rendered pages of a class, none of which has gained, make one trial
	// enough for each further key of that class.
	hostTrials = 12
	// All pages of a key are rendered if at least the share leastRate of them gains. So of the
	// pages that are not rendered, less than one in fifty would have gained.
	leastRate = 0.02
	// priorWeight is how many rendered pages the need of a page counts as.
	priorWeight = 0.25
	// One in sampleEvery pages of a key is rendered although its pages do not gain.
	sampleEvery = 64
)

// Lessons are those of one host, as a visit knows them. They are safe for concurrent use.
type Lessons struct {
	mu      sync.Mutex
	known   map[Key]Lesson
	pending map[Key]int   // pages that are being rendered
	next    chan struct{} // closed when one of them is done; nil if no one waits
}

// Know replaces the lessons by those that were read from the fleet's memory.
func (l *Lessons) Know(known map[Key]Lesson) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = known
}

// Decide decides whether to render a page with this pattern and need, and why; "" for no. A page
// that looks complete waits while other pages of its key are being tried. If ctx ends before that,
// Decide returns the error of ctx. The fingerprint of the page's URL alone decides whether the page
// is a sample, so every crawl has the same samples. Call Done once for each page that is to be
// rendered.
func (l *Lessons) Decide(ctx context.Context, pattern string, need float64, fingerprint uint64) (Why, error) {
	class := ClassOf(need)
	key := KeyOf(pattern, class)
	for {
		why, wait := l.decide(key, class, need, fingerprint)
		if wait == nil {
			return why, nil
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// decide is Decide, but returns a channel to wait on if it is too early to decide.
func (l *Lessons) decide(key Key, class Class, need float64, fingerprint uint64) (Why, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lesson, host, pending := l.known[key], l.known[KeyOf("", class)], l.pending[key]
	enough := trials
	if host.Gained == 0 && host.tried() >= hostTrials {
		enough = 1
	}
	tried := lesson.tried()
	// The rate is the mean of a Beta distribution: the lesson, and the need as the prior.
	rate := (float64(lesson.Gained) + priorWeight*need) / (float64(tried) + priorWeight)
	switch {
	case tried+pending < enough, tried < enough && class != Complete:
		return l.begin(key, WhyTry), nil
	case tried < enough:
		return "", l.changed()
	case rate >= leastRate:
		return l.begin(key, WhyLearned), nil
	case fingerprint%sampleEvery == 0:
		return l.begin(key, WhySample), nil
	}
	return "", nil
}

// begin notes that a page is being rendered. l.mu is held.
func (l *Lessons) begin(key Key, why Why) Why {
	if l.pending == nil {
		l.pending = make(map[Key]int)
	}
	l.pending[key]++
	return why
}

// changed returns a channel that is closed when a page is done. l.mu is held.
func (l *Lessons) changed() <-chan struct{} {
	if l.next == nil {
		l.next = make(chan struct{})
	}
	return l.next
}

// Done notes that a page that Decide chose is done, whether or not it could be rendered. If it
// could, call Learn first.
func (l *Lessons) Done(pattern string, need float64) {
	key := KeyOf(pattern, ClassOf(need))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[key]--; l.pending[key] <= 0 {
		delete(l.pending, key)
	}
	if l.next != nil {
		close(l.next)
		l.next = nil
	}
}

// Learn adds a page to what is known, until the fleet's memory is read again.
func (l *Lessons) Learn(pattern string, need float64, gained bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := make(map[Key]Lesson, len(l.known)+2) // the map that Know was given may be shared
	for key, lesson := range l.known {
		known[key] = lesson
	}
	taught := TaughtBy(pattern, need, gained)
	for _, key := range []Key{taught.Pattern, taught.Host} {
		known[key] = known[key].Add(gained)
	}
	l.known = known
}

// Taught is what a rendered page teaches: the keys of its pattern and of its whole host, and
// whether it has gained.
type Taught struct {
	Pattern, Host Key
	Gained        bool
}

// TaughtBy returns what a page with this pattern and need teaches.
func TaughtBy(pattern string, need float64, gained bool) *Taught {
	class := ClassOf(need)
	return &Taught{Pattern: KeyOf(pattern, class), Host: KeyOf("", class), Gained: gained}
}
