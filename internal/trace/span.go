package trace

import (
	"crypto/rand"
	"math"
	"time"
)

// Tracer starts spans. It is safe for concurrent use. Nil starts none.
type Tracer struct {
	share    float64 // of hosts whose visits are traced
	exporter *exporter
}

// Kind is what a span stands for, by its number in OTLP.
type Kind int32

// The kinds of spans.
const (
	Internal Kind = 1 // work within the process
	Client   Kind = 3 // a request to another server
)

// Attribute says something about a span.
type Attribute struct {
	Key    string
	text   string
	number int64
	isText bool
}

// Text returns an attribute with a text.
func Text(key, value string) Attribute { return Attribute{Key: key, text: value, isText: true} }

// Int returns an attribute with a whole number.
func Int(key string, value int64) Attribute { return Attribute{Key: key, number: value} }

// Span is something that takes time. One goroutine sets what it says and ends it, once; others may
// start spans below it meanwhile. The methods of a nil span do nothing.
type Span struct {
	tracer     *Tracer
	trace      [16]byte
	id, parent [8]byte
	name       string
	kind       Kind
	start, end time.Time
	attributes []Attribute
	failed     bool
	failure    string // a description; may be ""
}

// Start starts a span that has no parent, for work on a host. It is nil if the host is not sampled.
func (t *Tracer) Start(host, name string) *Span {
	if t == nil || !t.samples(host) {
		return nil
	}
	s := &Span{tracer: t, name: name, kind: Internal, start: time.Now()}
	_, _ = rand.Read(s.trace[:]) // it never fails
	_, _ = rand.Read(s.id[:])
	return s
}

// Start starts a span below s.
func (s *Span) Start(name string, kind Kind) *Span {
	if s == nil {
		return nil
	}
	below := &Span{tracer: s.tracer, trace: s.trace, parent: s.id, name: name, kind: kind, start: time.Now()}
	_, _ = rand.Read(below.id[:])
	return below
}

// Set adds attributes.
func (s *Span) Set(all ...Attribute) {
	if s != nil {
		s.attributes = append(s.attributes, all...)
	}
}

// Fail marks the span as failed, with a description that may be "".
func (s *Span) Fail(why string) {
	if s != nil {
		s.failed, s.failure = true, why
	}
}

// End ends the span and hands it over to be sent. Nothing may be set after that.
func (s *Span) End() {
	if s != nil {
		s.end = time.Now()
		s.tracer.exporter.add(s)
	}
}

// samples reports whether a host is traced: always the same for a host, in every process with the
// same share.
func (t *Tracer) samples(host string) bool {
	if t.share >= 1 {
		return true
	}
	h := uint64(14695981039346656037) // FNV-1a, without an allocation
	for i := range len(host) {
		h = (h ^ uint64(host[i])) * 1099511628211
	}
	// The high bits of FNV hardly depend on the last bytes: the finalizer of MurmurHash3 mixes them.
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return float64(h)/math.MaxUint64 < t.share
}

// Counts returns how many spans have arrived at the collector, and how many were dropped because
// it did not take them.
func (t *Tracer) Counts() (sent, dropped int64) {
	if t == nil {
		return 0, 0
	}
	return t.exporter.sent.Load(), t.exporter.dropped.Load()
}

// Close sends the spans that wait, for at most five seconds, and drops the others. No span may
// end after that.
func (t *Tracer) Close() {
	if t != nil {
		t.exporter.close()
	}
}
