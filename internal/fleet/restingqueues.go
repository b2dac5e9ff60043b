package fleet

import (
	"context"
	"time"
)

// arouse makes the worker ask the queue of a job for a while; all queues if job is "".
func (p *places) arouse(job string) {
	select {
	case p.stir <- struct{}{}:
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, j := range p.jobs {
		if job == "" || job == name {
			j.awake = time.Now().Add(p.term)
		}
	}
}

// resting lists the jobs whose queues rest.
func (p *places) resting() (jobs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for name, j := range p.jobs {
		if now.After(j.awake) {
			jobs = append(jobs, name)
		}
	}
	return jobs
}

// rests reports whether the queue of a job is not to be asked now.
func (p *places) rests(job string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[job]
	return j != nil && time.Now().After(j.awake)
}

// lookAround looks for tasks in the queues that rest, until ctx ends.
func (p *places) lookAround(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		jobs := p.resting()
		if len(jobs) == 0 || p.full() {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, shareTerm)
		// If that cannot be read, perhaps because a key is garbage, asking the queues will tell.
		if any, err := p.board.AnyPending(asking, jobs); any || err != nil {
			for _, job := range jobs {
				p.arouse(job)
			}
		}
		cancel()
	}
}
