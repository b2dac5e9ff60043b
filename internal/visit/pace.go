package visit

import (
	"context"
	"net/http/httptrace"
	"sync"
	"time"
)

// pace keeps the gap between the starts of requests to one host, over all connections of
// the visit.
//
// What matters is when a request reaches the host. That is later than its start by the time
// to connect and send. So the gap is measured from when the previous request was sent, or
// from its answer if that came soon after: by then the request has certainly arrived.
type pace struct {
	next chan struct{} // held by the request that starts next

	mu      sync.Mutex
	gap     time.Duration // the longest of the five below
	delay   time.Duration // set by the operator
	asked   time.Duration // asked for by robots.txt
	slow    time.Duration // derived from the host's response time
	earlier time.Duration // owed by earlier visits; 0 once robots.txt is known
	owed    time.Duration // owed by other jobs
	opens   time.Time     // no request starts before this time
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

// inherit takes over what an earlier visit of the job owed the host: its last request was
// made at last (zero if unknown), and gap was the time between its requests. The gap holds
// until robots.txt says what is owed now.
func (p *pace) inherit(last time.Time, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.earlier = last, gap
	p.update()
}

// start is the beginning of one request.
type start struct {
	pace           *pace
	gap            time.Duration // the gap that was kept before it
	traced         bool          // whether the time it was sent is known
	sent, answered time.Time     // zero while unknown
	left           chan struct{} // closed when the request was sent, or ended without being sent
}

// keep sets the delay that the operator wants.
func (p *pace) keep(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
	p.update()
}

// widen makes the gap that robots.txt asks for at least d.
func (p *pace) widen(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.earlier = max(p.asked, d), 0
	p.update()
}

// share keeps the gap that other jobs owe the host. last is the time of their last request;
// zero if there is nothing to keep.
func (p *pace) share(last time.Time, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = gap
	p.update()
	if p.last == nil && last.After(p.started) {
		p.started = last
	}
}

// own returns the gap that this job owes the host, without other jobs.
func (p *pace) own() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.delay, p.asked, p.slow, p.earlier)
}

// robots returns the gap that robots.txt asks for, as far as it is known.
func (p *pace) robots() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// ago returns how long ago the last request reached the host: one of this visit, or else
// the last one known of any job. It is negative if none is known.
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

// slowest is the longest gap derived from the host's response time.
const slowest = 30 * time.Second

// smoothing sets the weight of one answer in the moving average: 1/smoothing.
const smoothing = 4

// learn adapts the gap to the host's response time: factor times the average of recent
// answers. An answer that is not good can only lengthen the gap, because errors are often
// quick. If no gap is kept, there is nothing to learn.
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

// hold makes sure that no request starts within d from now.
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

// remaining returns how long the host must still be left alone.
func (p *pace) remaining() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.soonest()))
}

// rests returns how long the host is left alone, besides its usual gap.
func (p *pace) rests() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, time.Until(p.opens))
}

// left returns how long the host must still be left alone after the last request, given
// gap.
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

// soonest returns when the next request may start. While the last request is not sent yet,
// this is an estimate. p.mu is held.
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

// wait blocks until the next request may start. The caller must make the request with a
// context traced by the returned start, and call its end when the request is over.
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
				return nil, err // a request that was not made owes the host nothing
			}
			return p.begin(), nil
		}
	}
}

// join is wait for a request that belongs to the previous one, such as a request of a page that is
// rendered. No gap is kept before it, but one is kept after it, and a host that rests is left
// alone.
func (p *pace) join(ctx context.Context) (*start, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.mu.Lock()
		wait := time.Until(p.opens)
		if wait <= 0 {
			p.started = time.Now()
			p.last = &start{pace: p, left: make(chan struct{})}
			begun := p.last
			p.mu.Unlock()
			return begun, nil
		}
		p.mu.Unlock()
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// now returns how long to wait, or a channel to wait on until that is known.
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

// arrived returns the latest time at which the request reached the host: when its answer
// came, but at most a short time after it was sent, so that the response time of a slow
// host is not added to the gap.
func (s *start) arrived(gap time.Duration) time.Time {
	at := s.sent.Add(min(gap/4, 50*time.Millisecond))
	if !s.answered.IsZero() && s.answered.Before(at) {
		return s.answered
	}
	return at
}

// ago returns how long ago the request reached the host; 0 if it is not known to have.
func (s *start) ago() time.Duration {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	if s.sent.IsZero() {
		return 0
	}
	return max(0, time.Since(s.arrived(s.pace.gap)))
}

// trace returns a context that tracks when its request is sent and answered.
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

// wrote records that the request was sent. The last time counts, because net/http sends the
// request again if a kept-alive connection turns out to be dead.
func (s *start) wrote() {
	s.note(&s.sent)
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	s.sent = time.Now()
}

// end records that the request is over, successful or not.
func (s *start) end() { s.note(&s.answered) }

// note sets a time that is not known yet, and unblocks the requests that wait until this one is
// sent.
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

// sleep waits for d. If ctx ends first, it returns the context's error.
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
