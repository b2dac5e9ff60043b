package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Frontier is what the scheduler asks of the frontier of a job.
type Frontier interface {
	// Arm arms hosts until most visits of the job are armed or open. Orders that
	// come with an error are armed all the same.
	Arm(ctx context.Context, most int) ([]crawler.Order, error)
	Sweep(ctx context.Context, late time.Duration) (broken int, err error)
	// Recall tells so many visits to end soon, among them those that it told before.
	Recall(ctx context.Context, visits int) error
	// Reclaim puts URLs back whose records were lost with a worker before they were
	// shipped, and returns how many these are.
	Reclaim(ctx context.Context) (urls int64, err error)
	// Approach admits links again, for a moment, of pages that came nearer to a seed.
	Approach(ctx context.Context) error
	Counters(ctx context.Context) (crawler.Counters, error)
	Idle(ctx context.Context) (bool, error)
}

// Jobs is what the scheduler asks of the jobs' store.
type Jobs interface {
	Status(ctx context.Context, job string) (crawler.Status, error)
	// Age notes that the job is kept going and returns for how long it was.
	Age(ctx context.Context, job string) (time.Duration, error)
	// End lets the job fetch no more because of a budget, as a revision of its settings has it. "" lets
	// it fetch again. It does nothing if the settings were changed since.
	End(ctx context.Context, job string, revision int64, budget string) error
	// SetClosing notes whether the job waits for nothing but its output.
	SetClosing(ctx context.Context, job string, closing bool) error
	// Move takes the job into a state, from one of those given.
	Move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) (bool, error)
}

// Fleet carries out visits.
type Fleet interface {
	// Capacity is how many visits of the job can be carried out at once.
	Capacity(job string) (int, error)
	// Enqueue enqueues a visit. Enqueueing it again does nothing.
	Enqueue(ctx context.Context, job crawler.Status, o crawler.Order) error
}

// Config is how often the scheduler looks. Zero values are the defaults.
type Config struct {
	Tick       time.Duration // between looks for due hosts; default 20ms
	SweepEvery time.Duration // default 1s
	// Reprieve is how long after an outage of Redis no visit is broken: their
	// workers had the same trouble, and what they have done meanwhile is to be
	// settled first. Default 10s, in which a worker that lives shows it. Trouble that
	// lasts less than half of it, as an answer that gets lost, gives visits so much more
	// time instead.
	Reprieve time.Duration
	// Removed is told of each job that is there no more, by the goroutine of [Bureau.Run]. Default none.
	Removed func(job string)
	// Jobs are those that a [Bureau] keeps going. Default all.
	Jobs []string
	// Ended is told of each job that a [Bureau] sees end, by the goroutine of the job. Default none.
	Ended func(crawler.Status)
	Log   *slog.Logger // default none
}

func (c Config) withDefaults() Config {
	if c.Tick == 0 {
		c.Tick = 20 * time.Millisecond
	}
	if c.SweepEvery == 0 {
		c.SweepEvery = time.Second
	}
	if c.Reprieve == 0 {
		c.Reprieve = 10 * time.Second
	}
	if c.Removed == nil {
		c.Removed = func(string) {}
	}
	if c.Ended == nil {
		c.Ended = func(crawler.Status) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Scheduler keeps one job going.
type Scheduler struct {
	job      string
	jobs     Jobs
	frontier Frontier
	fleet    Fleet
	cfg      Config
	nudges   chan struct{}

	status     crawler.Status
	age        time.Duration // of a job with a budget of time, when its status was read
	swept      time.Time
	reclaimed  time.Time
	checked    time.Time
	recalled   time.Time
	complained time.Time
	contact    contact
	met        time.Time       // when the job's status was first read
	owed       []crawler.Order // armed and not enqueued
	shares     *shares         // nil: the fleet is all the job's
}

// New returns a scheduler for a job.
func New(job string, jobs Jobs, frontier Frontier, fleet Fleet, cfg Config) *Scheduler {
	return &Scheduler{job: job, jobs: jobs, frontier: frontier, fleet: fleet, cfg: cfg.withDefaults(), nudges: make(chan struct{}, 1)}
}

// Nudge lets the scheduler look before its time, because something has changed: a
// visit ended. It does not wait, and may be called at any time, by any goroutine.
func (s *Scheduler) Nudge() {
	select {
	case s.nudges <- struct{}{}:
	default: // it was told already
	}
}

// Run keeps the job going until it has ended, and returns its last status, or
// until ctx ends. Trouble with Redis is logged and waited out.
func (s *Scheduler) Run(ctx context.Context) (crawler.Status, error) {
	tick := time.NewTicker(s.cfg.Tick)
	defer tick.Stop()
	defer s.payOff(ctx)
	s.contact.reached = time.Now()
	for {
		ended, err := s.look(ctx)
		if ended {
			return s.status, nil
		}
		if err != nil && ctx.Err() == nil {
			s.complain(err)
		}
		s.contact.note(err != nil)
		if !s.wait(ctx, tick.C) {
			return s.status, ctx.Err()
		}
	}
}

// nudgedAfter is how long after a look one is heeded that is asked for by a nudge: of
// hosts with a page each, visits end all the time.
const nudgedAfter = 10 * time.Millisecond

// wait waits for the time of the next look, or for a nudge. It reports false when
// ctx has ended.
func (s *Scheduler) wait(ctx context.Context, tick <-chan time.Time) bool {
	looked := time.Now()
	select {
	case <-tick:
		return true
	case <-s.nudges:
	case <-ctx.Done():
		return false
	}
	select {
	case <-tick:
	case <-time.After(nudgedAfter - time.Since(looked)):
	case <-ctx.Done():
		return false
	}
	return true
}

// complainEvery is how often trouble that lasts is logged: each look may meet it.
const complainEvery = 10 * time.Second

func (s *Scheduler) complain(err error) {
	if time.Since(s.complained) < complainEvery {
		return
	}
	s.complained = time.Now()
	s.cfg.Log.Error("the scheduler is held up", "job", s.job, "error", err)
}

// look does all that is to be done at one moment. It reports whether the job
// has ended.
func (s *Scheduler) look(ctx context.Context) (bool, error) {
	if err := s.refresh(ctx); err != nil {
		return false, err
	}
	if s.status.State != crawler.StateRunning {
		s.shares.leave(s.job)
		return s.status.State.Ended(), nil
	}
	if err := s.enqueue(ctx); err != nil {
		return false, err
	}
	if err := s.sweep(ctx); err != nil {
		return false, err
	}
	if err := s.reclaim(ctx); err != nil {
		return false, err
	}
	numbers, err := s.frontier.Counters(ctx)
	if err != nil {
		return false, err
	}
	if numbers.Idle() && !s.complete() { // that all seeds are in may be all that is missing
		if err := s.reread(ctx); err != nil {
			return false, err
		}
	}
	if numbers.Idle() && s.complete() && s.status.State == crawler.StateRunning {
		return s.finish(ctx, numbers)
	}
	if budget := s.spent(numbers); budget != "" {
		s.shares.leave(s.job)
		return s.wind(ctx, numbers, budget)
	}
	if err := s.reopen(ctx); err != nil {
		return false, err
	}
	return false, errors.Join(s.approach(ctx, numbers), s.arm(ctx, numbers))
}

// approach lets links be admitted again of pages that came nearer to a seed.
func (s *Scheduler) approach(ctx context.Context, numbers crawler.Counters) error {
	if numbers.Nearer == 0 {
		return nil
	}
	return s.frontier.Approach(ctx)
}

// complete reports whether nobody brings seeds any more.
func (s *Scheduler) complete() bool { return s.status.Seeded && !s.status.Held }

// statusAge is for how long a job's status is taken to be the same.
const statusAge = 250 * time.Millisecond

// refresh reads the job's status now and then.
func (s *Scheduler) refresh(ctx context.Context) error {
	if time.Since(s.checked) < statusAge {
		return nil
	}
	status, err := s.jobs.Status(ctx, s.job)
	if err != nil {
		return err
	}
	if status.State == crawler.StateRunning && status.Job.Time > 0 {
		if s.age, err = s.jobs.Age(ctx, s.job); err != nil {
			return err
		}
	}
	if s.status.Job.Name == "" {
		s.met = time.Now()
	}
	s.status, s.checked = status, time.Now()
	return nil
}

// reread reads the job's status now.
func (s *Scheduler) reread(ctx context.Context) error {
	s.checked = time.Time{}
	return s.refresh(ctx)
}

// sweep breaks the visits of lost workers. A worker may take hundreds with it,
// and one sweep is bounded: while it finds some, the next look sweeps again.
func (s *Scheduler) sweep(ctx context.Context) error {
	if time.Since(s.swept) < s.cfg.SweepEvery || !s.contact.calm(s.cfg.Reprieve/2, s.cfg.Reprieve) {
		return nil
	}
	late := time.Duration(0)
	if time.Since(s.contact.troubled) < s.cfg.Reprieve {
		late = s.cfg.Reprieve
	}
	broken, err := s.frontier.Sweep(ctx, late)
	if broken == 0 {
		s.swept = time.Now()
		return err
	}
	s.cfg.Log.Warn("visits broke: their workers were lost", "job", s.job, "visits", broken)
	return err
}

// arm orders visits to hosts that are due, as many as the fleet has room for, and lets
// visits end whose places other jobs should have.
func (s *Scheduler) arm(ctx context.Context, numbers crawler.Counters) error {
	s.shares.note(s.job, need{weight: s.status.Job.Weight, visits: int(numbers.Out() + numbers.Ready), open: int(numbers.Open)})
	if numbers.Ready+numbers.Open == 0 {
		return nil
	}
	capacity, err := s.fleet.Capacity(s.job)
	if err != nil {
		return err
	}
	allowed := s.shares.allowed(s.job, s.status.Job.Weight, capacity)
	recallErr := s.recall(ctx, s.excess(numbers, allowed, capacity))
	if numbers.Ready == 0 || int64(allowed) <= numbers.Out() {
		return recallErr
	}
	orders, err := s.frontier.Arm(ctx, allowed)
	s.owed = append(s.owed, orders...)
	return errors.Join(recallErr, err, s.enqueue(ctx))
}

// recallEvery is how often visits are told to end: they learn of it once a second or so.
const recallEvery = 200 * time.Millisecond

// excess is how many visits should end before their time: those whose places other jobs
// should have, or that hosts with urgent URLs wait for.
func (s *Scheduler) excess(numbers crawler.Counters, allowed, capacity int) int {
	surplus := s.shares.surplus(s.job, capacity)
	waiting := int(numbers.Urgent) - max(0, allowed-int(numbers.Out()))
	return max(surplus, min(waiting, int(numbers.Open)))
}

// recall lets so many visits end.
func (s *Scheduler) recall(ctx context.Context, visits int) error {
	if visits <= 0 || time.Since(s.recalled) < recallEvery {
		return nil
	}
	s.recalled = time.Now()
	return s.frontier.Recall(ctx, visits)
}

// enqueue enqueues the visits that were armed. What fails stays owed, and is tried
// again at the next look: the hosts of a whole batch should not wait until they are
// swept because asynq could not be had for a moment.
func (s *Scheduler) enqueue(ctx context.Context) error {
	for len(s.owed) > 0 {
		if err := s.fleet.Enqueue(ctx, s.status, s.owed[0]); err != nil {
			return err
		}
		s.owed = s.owed[1:]
	}
	return nil
}

// payOffTerm is for how long a scheduler that leaves enqueues what it armed.
const payOffTerm = 2 * time.Second

// payOff enqueues what is owed when the scheduler leaves a job that goes on.
func (s *Scheduler) payOff(ctx context.Context) {
	if s.status.State.Ended() || len(s.owed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payOffTerm)
	defer cancel()
	if err := s.enqueue(ctx); err != nil {
		s.cfg.Log.Warn("visits could not be enqueued; they are swept", "job", s.job, "visits", len(s.owed), "error", err)
	}
}

// spent names the budget of the job that is used up, or "".
func (s *Scheduler) spent(numbers crawler.Counters) string {
	job := s.status.Job
	switch {
	case s.status.Ending == "time":
		return s.status.Ending
	case job.Pages > 0 && numbers.Pages() >= job.Pages:
		return "pages"
	case job.Bytes > 0 && numbers.Bytes >= int64(job.Bytes):
		return "bytes"
	case job.Time > 0 && s.age+time.Since(s.checked) >= time.Duration(job.Time):
		return "time"
	}
	return ""
}

// wind lets a job run out whose budget is spent: its visits are told to end,
// and when they have, the job is done.
func (s *Scheduler) wind(ctx context.Context, numbers crawler.Counters, budget string) (bool, error) {
	if s.status.Ending == "" {
		s.cfg.Log.Info("a budget is spent", "job", s.job, "budget", budget)
		if err := s.jobs.End(ctx, s.job, s.status.Revision, budget); err != nil {
			return false, err
		}
		s.status.Ending = budget
	}
	if numbers.Out() > 0 {
		return false, nil
	}
	return s.end(ctx, "budget of "+budget, func(c crawler.Counters) bool { return c.Out() == 0 && s.spent(c) != "" })
}

// finish ends the job if there is nothing left to do. A budget is the reason only
// if it left something undone: that of the whole job never does here, and that of a
// host where it left URLs out.
func (s *Scheduler) finish(ctx context.Context, numbers crawler.Counters) (bool, error) {
	idle, err := s.frontier.Idle(ctx)
	if err != nil || !idle {
		return false, err
	}
	reason := ""
	if numbers.Over > 0 {
		reason = "budget of pages per host"
	}
	return s.end(ctx, reason, func(c crawler.Counters) bool { return c.Idle() && s.complete() })
}

// move takes the job to its end, and reports whether it has ended: it may have
// been paused meanwhile, or ended by another scheduler.
func (s *Scheduler) move(ctx context.Context, reason string) (bool, error) {
	moved, err := s.jobs.Move(ctx, s.job, crawler.StateDone, reason, crawler.StateRunning)
	if err != nil {
		return false, err
	}
	if moved {
		s.cfg.Log.Info("the job is done", "job", s.job, "reason", reason)
	}
	if err := s.reread(ctx); err != nil {
		return false, fmt.Errorf("after its end: %w", err)
	}
	return s.status.State.Ended(), nil
}
