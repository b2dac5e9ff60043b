package scheduler

import "sync"

// shares divides the fleet between the jobs that run in it, by their weights.
// What a job does not need the others may use. It is safe for concurrent use; a
// nil shares leaves everything to one job.
type shares struct {
	mu   sync.Mutex
	jobs map[string]need
}

// need is what a job could do with.
type need struct {
	weight   int
	visits   int // enqueued, under way, or wanted by hosts that are due
	capacity int // of the workers that serve the job
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

// allowed notes what a job needs and returns how many visits it may have out:
// all that the others do not need, and at least its fair part, so that no job
// waits for ever for another to finish.
func (s *shares) allowed(job string, n need) int {
	if s == nil {
		return n.capacity
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[job] = n
	weights := 0
	for _, other := range s.jobs {
		if other.visits > 0 {
			weights += other.weight
		}
	}
	if weights == 0 || n.capacity == 0 {
		return n.capacity
	}
	fair := func(n need) int { return max(1, n.capacity*n.weight/weights) }
	left := n.capacity
	for name, other := range s.jobs {
		if name != job {
			left -= min(other.visits, fair(other))
		}
	}
	return max(left, fair(n))
}
