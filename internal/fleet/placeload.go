package fleet

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/frontier"
)

// share exchanges loads with the other workers until ctx ends.
func (p *places) share(ctx context.Context) {
	for {
		others := p.tell(ctx)
		every := min(max(shareLeast, time.Duration(others)*shareEach), time.Second)
		stir, still := p.stir, p.still()
		if !still {
			p.lull.Stir()
		}
		if others == 0 || still {
			every = max(every, shareAlone)
		} else {
			stir = nil
		}
		over, ended := p.lull.Pause(every, shareLong)
		select {
		case <-over:
		case <-ended:
		case <-stir:
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTerm)
			defer cancel()
			_ = p.board.Leave(ctx, p.worker) // a worker that fails to leave is soon forgotten anyway
			return
		}
	}
}

// still reports whether no worker has a visit, and no task is expected here.
func (p *places) still() bool {
	resting := len(p.resting())
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken+p.asking == 0 && resting == len(p.jobs) &&
		!slices.ContainsFunc(p.others, func(o frontier.WorkerLoad) bool { return o.Taken > 0 })
}

// tell exchanges loads once. It returns the number of other workers.
func (p *places) tell(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, shareTerm)
	defer cancel()
	others, err := p.board.ShareLoad(ctx, p.load(), longer(p.lull, shareLong-shareAlone))
	if err != nil {
		p.log.Debug("the load of the workers cannot be read", "error", err)
		others = nil // without knowing the others, take every task
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = others
	return len(others)
}

// load returns the load of this worker.
func (p *places) load() frontier.WorkerLoad {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lapse(time.Now())
	l := frontier.WorkerLoad{Worker: p.worker, Places: p.most, Taken: p.taken, Memory: memory(),
		Rate: p.pace.rate(time.Now(), p.settled.Load())}
	for job := range p.jobs {
		l.Jobs = append(l.Jobs, job)
	}
	slices.Sort(l.Jobs)
	l.Spent, l.Within = p.spent()
	if p.anyJob {
		l.Jobs = append(l.Jobs, frontier.AnyJob)
	}
	return l
}

const (
	// spentWithin is the time for which a worker reports what its visits spend time on.
	spentWithin = 15 * time.Second
	// maxSpent is how many jobs a report has, those with the most time, because every worker reads
	// the reports of all others several times a second.
	maxSpent = 16
)

// spent returns what the visits of each job spent their time on within a recent time, and how
// long that was: the longest of any job. p.mu is held.
func (p *places) spent() (map[string]activity.Spent, time.Duration) {
	type one struct {
		job   string
		spent activity.Spent
	}
	now, within, all := time.Now(), time.Duration(0), []one(nil)
	for job, j := range p.jobs {
		spent, span := j.recent.Add(now, j.spent())
		within = max(within, span)
		if spent.Total() >= time.Millisecond {
			all = append(all, one{job, spent})
		}
	}
	slices.SortFunc(all, func(a, b one) int {
		return cmp.Or(cmp.Compare(b.spent.Total(), a.spent.Total()), cmp.Compare(a.job, b.job))
	})
	most := make(map[string]activity.Spent)
	for _, o := range all[:min(len(all), maxSpent)] {
		most[o.job] = o.spent
	}
	return most, within
}
