package scheduler

import (
	"cmp"
	"slices"
	"sync"
)

// shares divides the fleet between the jobs that run in it, by their weights.
// What a job does not need the others may use. It is safe for concurrent use; a
// nil shares leaves everything to one job.
//
// Each scheduler has shares of its own, and divides alike, because all see the
// same jobs and, within a moment, the same needs.
type shares struct {
	mu   sync.Mutex
	jobs map[string]need
}

// need is what a job could do with.
type need struct {
	weight int
	visits int // enqueued, under way, or wanted by hosts that need not wait
}

func newShares() *shares { return &shares{jobs: make(map[string]need)} }

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
	s.jobs[job] = n
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
	rivals, weights := s.rivals(job)
	weights += weight
	left := capacity
	for len(rivals) > 0 && rivals[0].visits*weights <= left*rivals[0].weight { // has its part and less
		left -= rivals[0].visits
		weights -= rivals[0].weight
		rivals = rivals[1:]
	}
	before := 0 // weights of those who come before the job when what is left is dealt out
	for _, r := range rivals {
		if r.name < job {
			before += r.weight
		}
	}
	return max(1, left*(before+weight)/weights-left*before/weights)
}

// rival is another job that needs visits.
type rival struct {
	name string
	need
}

// rivals lists the other jobs that need visits, those who need the least for
// their weight first, with the sum of their weights.
func (s *shares) rivals(job string) (all []rival, weights int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.jobs {
		if name != job && n.visits > 0 {
			all = append(all, rival{name, n})
			weights += n.weight
		}
	}
	slices.SortFunc(all, func(a, b rival) int {
		return cmp.Or(cmp.Compare(a.visits*b.weight, b.visits*a.weight), cmp.Compare(a.name, b.name))
	})
	return all, weights
}
