package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// jobLog is what is known of a job in a run.
type jobLog struct {
	plan    *jobPlan
	state   crawler.State // "" before it is created
	created time.Time     // zero until the operator knows
	owed    []owedSeed    // seeds that were accepted
	raised  bool          // its budget was raised, and it may run again
	endings int
	ended   time.Time // when it last ended
	letEnd  time.Time // from when on a continuous job may be an ordinary one; zero before
	acting  int       // number of operators still acting on it
	repeat  func()    // repeats what Redis lost
}

// owedSeed is a seed and the time when it was accepted.
type owedSeed struct {
	page *page
	at   time.Time
}

// operate starts an operator that carries out the plan for a job. The operator retries
// whatever fails until it succeeds, as a person would.
func (s *sim) operate(plan *jobPlan) {
	p := s.newProcess("operator-" + plan.job.Name)
	log := s.jobs[plan.job.Name]
	act := func(at time.Duration, do func(context.Context) error) {
		s.mu.Lock()
		log.acting++
		s.mu.Unlock()
		p.wg.Go(func() {
			defer s.acted(log)
			if sleep(p.ctx, at+time.Duration(1+len(plan.late))*time.Microsecond) != nil {
				return
			}
			for err := do(p.ctx); err != nil && !p.dead.Load(); err = do(p.ctx) {
				pause := 700 * time.Millisecond
				switch {
				case errors.Is(err, errLater):
					pause = 150 * time.Millisecond
				case errors.Is(err, errMuchLater):
					pause = s.world.tick
				}
				if sleep(p.ctx, pause) != nil {
					return
				}
			}
		})
	}
	log.repeat = func() {
		act(time.Second, func(ctx context.Context) error {
			if log.created.IsZero() {
				return nil
			}
			if err := s.create(ctx, p, log); err != nil {
				return err
			}
			return s.resume(ctx, p, log)
		})
	}
	act(plan.starts, func(ctx context.Context) error { return s.create(ctx, p, log) })
	for i, late := range plan.late {
		act(plan.starts+late.at, func(ctx context.Context) error { return s.bring(ctx, p, log, late.page, i) })
	}
	if plan.goesOn > 0 {
		act(plan.starts+plan.goesOn, func(ctx context.Context) error { return s.letEnd(ctx, p, log) })
	}
	for _, raise := range plan.raises {
		act(plan.starts+raise.at, func(ctx context.Context) error { return s.raise(ctx, p, log, raise) })
	}
	for _, pause := range plan.pauses {
		act(plan.starts+pause.at, func(ctx context.Context) error { return s.pause(ctx, p, log, pause.lasts) })
	}
}

func (s *sim) acted(log *jobLog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log.acting--
}

// owe records that seeds were accepted.
func (s *sim) owe(log *jobLog, pages ...*page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range pages {
		log.owed = append(log.owed, owedSeed{p, time.Now()})
	}
}

func (s *sim) create(ctx context.Context, p *process, log *jobLog) error {
	err := p.store.Create(ctx, log.plan.job)
	if err != nil && !errors.Is(err, queue.ErrJobExists) {
		return err
	}
	if err == nil || log.created.IsZero() {
		s.owe(log, log.plan.seeds...)
	}
	log.created = time.Now()
	return nil
}

// bring adds a seed late, as trawl seed does.
func (s *sim) bring(ctx context.Context, p *process, log *jobLog, seed *page, number int) error {
	name := log.plan.job.Name
	status, err := p.store.Status(ctx, name)
	if errors.Is(err, queue.ErrNoJob) || err == nil && status.State.Ended() {
		return nil // refused
	}
	if err != nil {
		return err
	}
	holder := fmt.Sprintf("operator-%d", number)
	if err := p.store.Hold(ctx, name, holder, 30*time.Second); err != nil {
		return err
	}
	defer func() { _ = p.store.LetGo(context.WithoutCancel(ctx), name, holder) }()
	if _, err := p.store.Frontier(status.Job).Admit(ctx,
		[]queue.Entry{{URL: seed.url, Band: queue.BandFirst}}); err != nil {
		return err
	}
	status, err = p.store.Status(ctx, name)
	if err != nil {
		return err
	}
	if status.State.Ended() {
		return nil // the operator is told that the job ended in the meantime
	}
	if err := p.store.Seeded(ctx, name, true); err != nil {
		return err
	}
	s.owe(log, seed)
	s.count("seed brought late")
	return nil
}

// pause pauses a job for a while.
func (s *sim) pause(ctx context.Context, p *process, log *jobLog, lasts time.Duration) error {
	name := log.plan.job.Name
	_, err := p.store.Move(ctx, name, crawler.StatePaused, "", crawler.StateRunning)
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return nil
	case err != nil:
		return err
	}
	s.count("job paused")
	if err := sleep(ctx, lasts); err != nil {
		return err
	}
	return s.resume(ctx, p, log)
}

// raise adds pages to the budget of a job, and resumes the job if it had ended because of
// the budget.
func (s *sim) raise(ctx context.Context, p *process, log *jobLog, r raise) error {
	name := log.plan.job.Name
	status, err := p.store.Status(ctx, name)
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return errLater
	case err != nil:
		return err
	case r.at == 0 && !status.State.Ended():
		return errLater
	case r.at == 0 && status.Reason != "budget of pages" || r.at > 0 && status.State.Ended():
		return nil
	}
	if err := sleep(ctx, r.after); err != nil {
		return err
	}
	job := status.Job
	job.Pages = log.plan.job.Pages + r.pages
	if err := p.store.Change(ctx, job); err != nil {
		return err
	}
	log.raised = true
	s.count("budget raised")
	if r.at > 0 {
		return nil
	}
	if _, err := p.store.Move(ctx, name, crawler.StateRunning, "", crawler.StateDone); err != nil {
		return err
	}
	return p.store.Seeded(ctx, name, true)
}

// errLater says that an operator has to wait before it can act, errMuchLater that it looks again at
// the next tick of the world.
var errLater, errMuchLater = errors.New("simulation: not yet"), errors.New("simulation: not for long")

// resume resumes a job, and retries until that succeeds.
func (s *sim) resume(ctx context.Context, p *process, log *jobLog) error {
	for {
		_, err := p.store.Move(ctx, log.plan.job.Name, crawler.StateRunning, "", crawler.StatePaused)
		if err == nil || errors.Is(err, queue.ErrNoJob) {
			return nil
		}
		if err := sleep(ctx, 700*time.Millisecond); err != nil {
			return err
		}
	}
}

// repeat makes operators repair what Redis lost: they create their jobs again, and resume
// those that are paused again.
func (s *sim) repeat() {
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		log := s.jobs[name]
		if log.repeat != nil {
			log.repeat()
		}
	}
}

// count counts something that happened.
func (s *sim) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arbiter.counts[what]++
}
