package crawler

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// pace keeps the time between the starts of requests to one host, whichever of
// the visit's connections they go over.
//
// What counts is when a request reaches the host, which differs from when it is
// begun by the time to connect and send. So the gap is measured from when the
// request before was sent, and, if its answer came soon after, from that: then
// it certainly had arrived.
type pace struct {
	next chan struct{} // held by the request that is to start next

	mu      sync.Mutex
	gap     time.Duration // the longest of the next five
	delay   time.Duration // that the operator wants
	asked   time.Duration // that robots.txt asks for
	slow    time.Duration // that the host's own time to answer makes
	earlier time.Duration // that earlier visits owed the host; 0 once robots.txt is known
	owed    time.Duration // that other jobs owe the host
	opens   time.Time     // no request starts before
	started time.Time     // when the last request started
	last    *start        // the last request, while gap > 0
}

func newPace(opens time.Time) *pace {
	return &pace{next: make(chan struct{}, 1), opens: opens}
}

// update recomputes the gap. p.mu is held.
func (p *pace) update() {
	p.gap = max(p.delay, p.asked, p.slow, p.earlier, p.owed)
}

// inherit keeps what an earlier visit of the job owed the host: its last request was
// made at last, which is zero when that is not known, and gap was the time between
// its requests. The gap holds until robots.txt says what is owed now.
func (p *pace) inherit(last time.Time, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.earlier = last, gap
	p.update()
}

// start is the beginning of one request.
type start struct {
	pace           *pace
	gap            time.Duration // that was kept before it
	traced         bool          // it is known when the request was sent
	sent, answered time.Time     // zero while unknown
	left           chan struct{} // closed when the request was sent, or ended without
}

// keep makes d the delay that the operator wants.
func (p *pace) keep(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
	p.update()
}

// widen makes the gap at least d, whatever the delay: robots.txt asks for it.
func (p *pace) widen(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.earlier = max(p.asked, d), 0
	p.update()
}

// share keeps what other jobs owe the host: gap between requests, and the last one
// having been made at last, which is zero when there is nothing to keep.
func (p *pace) share(last time.Time, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = gap
	p.update()
	if p.last == nil && last.After(p.started) {
		p.started = last
	}
}

// own is the gap that this job owes the host, whatever others do.
func (p *pace) own() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.delay, p.asked, p.slow, p.earlier)
}

// robots is the gap that robots.txt asks for, as far as is known.
func (p *pace) robots() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// ago is how long ago the last request was at the host: that of this visit or, if it made
// none, the last one that it knows of, whatever job made it. Negative when none is known.
func (p *pace) ago() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.last == nil && p.started.IsZero():
		return -1
	case p.last == nil:
		return time.Since(p.started)
	case p.last.sent.IsZero():
		return 0
	}
	return max(0, time.Since(p.last.arrived(p.gap)))
}

// slowest is the longest gap that a host's own time to answer makes.
const slowest = 30 * time.Second

// smoothing is the part that one answer has in the mean of those before.
const smoothing = 4

// learn lets the gap follow the time that the host takes to answer: factor times
// its mean, over recent answers. What is no good answer only makes it longer, as
// errors are often quick. Where no gap is kept there is nothing to learn.
func (p *pace) learn(s *start, factor float64, good bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gap == 0 || factor == 0 || s.sent.IsZero() || s.answered.IsZero() {
		return
	}
	took := time.Duration(factor * float64(s.answered.Sub(s.sent)))
	if took < p.slow && !good {
		return
	}
	if p.slow == 0 {
		p.slow = took
	}
	p.slow = min(p.slow+(took-p.slow)/smoothing, slowest)
	p.update()
}

// hold lets no request start within d from now.
func (p *pace) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(d); until.After(p.opens) {
		p.opens = until
	}
}

// interval returns the gap.
func (p *pace) interval() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap
}

// remaining is how long the host is still to be left alone.
func (p *pace) remaining() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.soonest()))
}

// left is how long the host is still to be left alone because of the last
// request, if gap is to lie between two.
func (p *pace) left(gap time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.started
	if p.last != nil && !p.last.sent.IsZero() {
		from = p.last.arrived(gap)
	}
	if from.IsZero() {
		return 0
	}
	return max(0, time.Until(from.Add(gap)))
}

// soonest is when the next request may start, as far as is known: an estimate
// while the last one is not sent. p.mu is held.
func (p *pace) soonest() time.Time {
	at := p.opens
	if p.gap == 0 {
		return at
	}
	from := p.started
	if p.last != nil && !p.last.sent.IsZero() {
		from = p.last.arrived(p.gap)
	}
	if !from.IsZero() && from.Add(p.gap).After(at) {
		at = from.Add(p.gap)
	}
	return at
}

// wait returns when the next request may start. The request's context must be
// traced by the start, and its end reported.
func (p *pace) wait(ctx context.Context) (*start, error) {
	if err := ctx.Err(); err != nil { // select would choose at random
		return nil, err
	}
	select {
	case p.next <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-p.next }()
	for {
		wait, left := p.now()
		switch {
		case left != nil:
			select {
			case <-left:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case wait > 0:
			if err := sleep(ctx, wait); err != nil {
				return nil, err
			}
		default:
			if err := ctx.Err(); err != nil {
				return nil, err // and the host is owed nothing for a request that was not made
			}
			return p.begin(), nil
		}
	}
}

// now returns how long to wait, or what to wait for before that can be known.
func (p *pace) now() (time.Duration, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gap > 0 && p.last != nil && p.last.sent.IsZero() {
		return 0, p.last.left
	}
	return time.Until(p.soonest()), nil
}

func (p *pace) begin() *start {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = time.Now()
	p.last = &start{pace: p, gap: p.gap, left: make(chan struct{})}
	return p.last
}

// arrived is when the request was at the host at the latest: when its answer
// came, but not long after it was sent, so that a slow host's own time is not
// added to the gap.
func (s *start) arrived(gap time.Duration) time.Time {
	at := s.sent.Add(min(gap/4, 50*time.Millisecond))
	if !s.answered.IsZero() && s.answered.Before(at) {
		return s.answered
	}
	return at
}

// trace watches the request that is made with the context.
func (s *start) trace(ctx context.Context) context.Context {
	if s.gap == 0 && s.pace.interval() == 0 {
		return ctx
	}
	s.traced = true
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest:         func(httptrace.WroteRequestInfo) { s.wrote() },
		GotFirstResponseByte: func() { s.note(&s.answered) },
	})
}

// wrote notes that the request was sent: the last time counts, because net/http
// sends it again when a warm connection turns out to be dead.
func (s *start) wrote() {
	s.note(&s.sent)
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	s.sent = time.Now()
}

// end notes that the request is over, however it ended.
func (s *start) end() { s.note(&s.answered) }

// note sets a time that is not known yet. Whoever waits for the request to be
// sent may go on.
func (s *start) note(at *time.Time) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	now := time.Now()
	if s.sent.IsZero() {
		s.sent = now
		close(s.left)
	}
	if at.IsZero() {
		*at = now
	}
}

// sleep waits for d, or for the end of ctx and returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
