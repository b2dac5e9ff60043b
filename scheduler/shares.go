package scheduler

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// shares divides the fleet between the jobs that run in it, by their weights.
// What a job does not need the others may use. It is safe for concurrent use; a
// nil shares leaves everything to one job.
//
// Parts are rarely whole: of six places, jobs of weights 1 and 3 should have 1.5 and
// 4.5. The places that are left over go to the jobs that are furthest behind, by the
// time integral of what they should have had less what they had, so that over a
// minute each has its part.
//
// Each scheduler has shares of its own, and divides alike, because all see the
// same jobs and, within a moment, the same needs.
type shares struct {
	now func() time.Time

	mu   sync.Mutex
	jobs map[string]*account
}

// need is what a job could do with.
type need struct {
	weight int
	visits int // enqueued, under way, or wanted by hosts that need not wait
	out    int // of these, enqueued or under way
}

// account is what a job needs, and how far it is behind its part.
type account struct {
	need
	noted  time.Time
	part   float64 // of the places, when it was last told
	behind float64 // places times seconds; below 0: ahead
}

// Bounds of an account: what is longer ago than a minute does not count, nor does a
// time in which nobody looked.
const (
	mostBehind  = 30.0
	longestLook = time.Second
)

func newShares() *shares { return &shares{now: time.Now, jobs: make(map[string]*account)} }

// leave takes a job out that needs nothing.
func (s *shares) leave(job string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, job)
}

// note says what a job needs.
func (s *shares) note(job string, n need) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, now := s.jobs[job], s.now()
	if a == nil {
		a = &account{noted: now}
		s.jobs[job] = a
	}
	if n.visits > n.out { // one that has all it wants is not behind
		took := min(now.Sub(a.noted), longestLook).Seconds()
		a.behind = min(max(a.behind+(a.part-float64(n.out))*took, -mostBehind), mostBehind)
	}
	a.need, a.noted = n, now
}

// allowed is how many visits a job may have out, of those that the workers that
// serve it can carry out. This is max-min fairness by weight: a job that needs
// less than its part has what it needs, and what is left is divided among the
// others, and so on. The job itself is taken to need all it can get. One visit is
// allowed always, so that no job waits for ever for another to finish.
func (s *shares) allowed(job string, weight, capacity int) int {
	if s == nil || capacity == 0 {
		return capacity
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rivals, weights := s.rivals(job)
	weights += weight
	left := capacity
	for len(rivals) > 0 && rivals[0].visits*weights <= left*rivals[0].weight { // has its part and less
		left -= rivals[0].visits
		weights -= rivals[0].weight
		rivals = rivals[1:]
	}
	self := rival{name: job, need: need{weight: weight}}
	if a := s.jobs[job]; a != nil {
		a.part = float64(left*weight) / float64(weights)
		self.behind = a.behind
	}
	over, before := left, 0 // places that whole parts leave over; jobs that get one of them first
	for _, r := range append(rivals, self) {
		over -= left * r.weight / weights
		if r.first(self) {
			before++
		}
	}
	whole := left * weight / weights
	if before < over {
		whole++
	}
	return max(1, whole)
}

// rival is another job that needs visits.
type rival struct {
	name string
	need
	behind float64
}

// first reports whether r gets a place that is left over before other does: it is
// further behind, or, if both are alike, heavier.
func (r rival) first(other rival) bool {
	return cmp.Or(cmp.Compare(other.behind, r.behind), cmp.Compare(other.weight, r.weight), cmp.Compare(r.name, other.name)) < 0
}

// rivals lists the other jobs that need visits, those who need the least for
// their weight first, with the sum of their weights. s.mu is held.
func (s *shares) rivals(job string) (all []rival, weights int) {
	for name, a := range s.jobs {
		if name != job && a.visits > 0 {
			all = append(all, rival{name, a.need, a.behind})
			weights += a.weight
		}
	}
	slices.SortFunc(all, func(a, b rival) int {
		return cmp.Or(cmp.Compare(a.visits*b.weight, b.visits*a.weight), cmp.Compare(a.name, b.name))
	})
	return all, weights
}
