package scheduler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// jobFrontier is what the scheduler needs from the frontier of a job.
type jobFrontier interface {
	// Arm arms hosts until most visits of the job are armed or open. Visits that are
	// returned with an error are armed all the same.
	Arm(ctx context.Context, most int) ([]queue.VisitRef, error)
	Sweep(ctx context.Context, late time.Duration) (broken int, err error)
	// Recall tells this many visits to end soon, including those that it told before.
	Recall(ctx context.Context, visits int) error
	// Reclaim requeues URLs whose records were lost with a worker before they were shipped,
	// and returns their number.
	Reclaim(ctx context.Context) (urls int64, err error)
	// Approach admits, for a short time, links of pages that came nearer to a seed.
	Approach(ctx context.Context) error
	// Steer finds out what a continuous job may fetch, if that is due.
	Steer(ctx context.Context) error
	// Again queues, for a short time, pages of a continuous job that are due again. It returns
	// for how long no other will be due.
	Again(ctx context.Context, counters crawler.Counters) (idle time.Duration, err error)
	Counters(ctx context.Context) (crawler.Counters, error)
	Idle(ctx context.Context) (bool, error)
}

// jobStore is what the scheduler needs from the store of jobs.
type jobStore interface {
	Status(ctx context.Context, job string) (crawler.Status, error)
	// Age records that the job is running and returns for how long it has been.
	Age(ctx context.Context, job string) (time.Duration, error)
	// End stops the job from fetching because of a budget in the given revision of its
	// settings; "" lets it fetch again. It does nothing if the settings were changed since.
	End(ctx context.Context, job string, revision int64, budget string) error
	// SetClosing records whether the job waits only for its output.
	SetClosing(ctx context.Context, job string, closing bool) error
	// Stalled makes the event that the number of settled URLs of a running job has not
	// changed for a time, once for each number.
	Stalled(ctx context.Context, job string, settled int64, since time.Duration) error
	// TellGivenUp makes the event that hosts were given up since the last such event, unless
	// that is younger than the given time. made says that it has told of all hosts.
	TellGivenUp(ctx context.Context, job crawler.Job, apart time.Duration) (made bool, err error)
	// Record adds to the history of the job what it has done, at most once a second.
	Record(ctx context.Context, job string, done crawler.Counters) error
	// Move changes the state of the job, from one of those given.
	Move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) (bool, error)
}

// visitQueue has the visits that workers run.
type visitQueue interface {
	// Capacity returns how many visits of the job can run at once.
	Capacity(job string) (int, error)
	// Enqueue enqueues visits, and returns how many of them, from the first on, it has
	// enqueued. Enqueueing one again does nothing.
	Enqueue(ctx context.Context, job crawler.Status, orders []queue.VisitRef) (enqueued int, err error)
}

// Config is the configuration of a scheduler. Zero values are the defaults.
type Config struct {
	// Tick is the shortest time between two looks for due hosts, without a nudge. Default 20ms.
	// Long ones are for simulations of years: nothing is looked for more often then.
	Tick time.Duration
	// ListEvery is the time between two lists of the jobs, unless nothing happens. Default 500ms.
	ListEvery  time.Duration
	SweepEvery time.Duration // default 1s
	// Reprieve is how long after an outage of Redis no visit is broken: workers had the
	// same trouble, and should first settle what they have done meanwhile. Default 10s, in
	// which a live worker reports. Trouble that lasts less than half of it, such as a lost
	// reply, extends the deadlines of visits by this time instead.
	Reprieve time.Duration
	// Removed is called for each job that was removed, by the goroutine of [Runner.Run].
	// Default none.
	Removed func(job string)
	// Jobs are the jobs that a [Runner] runs. Default all.
	Jobs []string
	// Ended is called for each job that a [Runner] sees end, by the goroutine of the job.
	// Default none.
	Ended func(crawler.Status)
	// Happened is called by a [Runner] for each job with events that were not passed on yet,
	// until the job's status says that they were. It must be safe to call it again, in other
	// processes too. Default: the events wait.
	Happened func(ctx context.Context, job crawler.Status) error
	// Room returns which part of the visits that a job may have can be out, from 0 to 1, such as
	// less than 1 because Redis is nearly full. One visit can be in any case. It is called when
	// hosts are due, by the goroutines of all jobs. Default 1.
	Room func(ctx context.Context) float64
	// Lull says when nothing happens in the fleet. Then jobs are looked at less often. Default it
	// never says so.
	Lull lull
	Log  *slog.Logger // default none
}

func (c Config) withDefaults() Config {
	if c.Tick == 0 {
		c.Tick = 20 * time.Millisecond
	}
	if c.ListEvery == 0 {
		c.ListEvery = 500 * time.Millisecond
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
	if c.Happened == nil {
		c.Happened = func(context.Context, crawler.Status) error { return nil }
	}
	if c.Lull == nil {
		c.Lull = noLull{}
	}
	if c.Room == nil {
		c.Room = func(context.Context) float64 { return 1 }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// jobScheduler runs one job.
type jobScheduler struct {
	job      string
	jobs     jobStore
	frontier jobFrontier
	fleet    visitQueue
	cfg      Config
	nudges   chan struct{}

	status     crawler.Status
	age        time.Duration // of a job with a time budget, when its status was read
	swept      time.Time
	reclaimed  time.Time
	checked    time.Time
	recalled   time.Time
	recorded   time.Time
	complained time.Time
	contact    contact
	progress   progress
	rests      time.Duration // until the next look, unless there is a nudge; 0: a tick
	givenUp    givenUp
	met        time.Time        // when the job's status was first read
	steered    time.Time        // when a continuous job was last steered
	again      time.Time        // when pages of a continuous job may be due again
	owed       []queue.VisitRef // armed but not enqueued
	shares     *shares          // nil: the job has the whole fleet
}

func newJobScheduler(job string, jobs jobStore, frontier jobFrontier, fleet visitQueue, cfg Config) *jobScheduler {
	return &jobScheduler{job: job, jobs: jobs, frontier: frontier, fleet: fleet, cfg: cfg.withDefaults(),
		nudges: make(chan struct{}, 1)}
}

// Nudge makes the scheduler look early, because something has changed: for example, a visit
// ended. It does not wait, and may be called at any time, by any goroutine.
func (s *jobScheduler) Nudge() {
	select {
	case s.nudges <- struct{}{}:
	default: // a nudge is already pending
	}
}

// Run runs the job until it has ended, and returns its last status, or until ctx ends.
// Errors of Redis are logged and waited out.
func (s *jobScheduler) Run(ctx context.Context) (crawler.Status, error) {
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

// nudgedAfter is the shortest time between a look and one caused by a nudge: with hosts of
// one page each, visits end all the time.
const nudgedAfter = 10 * time.Millisecond

// wait waits for the time of the next look, or for a nudge. It returns false if ctx has
// ended.
func (s *jobScheduler) wait(ctx context.Context, tick <-chan time.Time) bool {
	looked := time.Now()
	var rested <-chan time.Time
	if s.rests > 0 {
		tick, rested = nil, time.After(s.rests)
	}
	select {
	case <-tick:
		return true
	case <-rested:
		return true
	case <-s.nudges:
	case <-ctx.Done():
		return false
	}
	if rested != nil { // perhaps the job was changed
		s.checked = time.Time{}
	}
	select {
	case <-tick:
	case <-time.After(nudgedAfter - time.Since(looked)):
	case <-ctx.Done():
		return false
	}
	return true
}

// complainEvery is how often a persisting error is logged: each look may meet it.
const complainEvery = 10 * time.Second

func (s *jobScheduler) complain(err error) {
	if time.Since(s.complained) < complainEvery {
		return
	}
	s.complained = time.Now()
	s.cfg.Log.Error("the scheduler cannot continue", "job", s.job, "error", err)
}

// look does everything that is due at one moment. It reports whether the job has ended.
func (s *jobScheduler) look(ctx context.Context) (bool, error) {
	s.rests = 0
	if err := s.refresh(ctx); err != nil {
		return false, err
	}
	if s.status.State != crawler.StateRunning {
		s.shares.leave(s.job)
		s.progress = progress{}
		s.rests = s.longer(min(restTicks*s.cfg.Tick, maxRest))
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
	counters, err := s.frontier.Counters(ctx)
	if err != nil {
		return false, err
	}
	s.record(ctx, counters)
	if err := errors.Join(s.stall(ctx, counters), s.tellGivenUp(ctx, counters, givenUpApart)); err != nil {
		return false, err
	}
	if counters.Idle() && !s.complete() { // perhaps only the flag that all seeds are admitted is missing
		if err := s.reread(ctx); err != nil {
			return false, err
		}
	}
	if counters.Idle() && s.complete() && s.status.State == crawler.StateRunning && !s.status.Job.Recrawl.On() {
		return s.finish(ctx, counters)
	}
	if budget := s.spent(counters); budget != "" {
		s.shares.leave(s.job)
		return s.wind(ctx, counters, budget)
	}
	if err := s.reopen(ctx); err != nil {
		return false, err
	}
	err = errors.Join(s.approach(ctx, counters), s.recur(ctx, counters), s.arm(ctx, counters))
	if err == nil {
		s.rests = s.rest(counters)
	}
	return false, err
}

// A scheduler looks at a job that has nothing to do less often than at each tick.
const (
	restTicks = 50              // ticks between two looks
	maxRest   = time.Second     // at most
	restLong  = 5 * time.Minute // between two looks during a lull
)

// rest returns how long the scheduler may leave the job alone after a look, unless it is nudged;
// 0 if it must not.
func (s *jobScheduler) rest(c crawler.Counters) time.Duration {
	if c.Ready+c.Out()+c.Nearer > 0 || c.Idle() && s.complete() && !s.status.Job.Recrawl.On() {
		s.cfg.Lull.Stir()
		return 0 // something is to be done, or the job is about to end
	}
	rests := min(restTicks*s.cfg.Tick, maxRest)
	if c.Unshipped == 0 && c.HostsGivenUp == s.givenUp.hosts {
		rests = s.longer(rests)
	}
	if c.Next > 0 {
		rests = min(rests, c.Next)
	}
	return max(s.cfg.Tick, rests)
}

// longer returns how long the job may be left alone that usually is for a time: longer during a lull,
// unless something depends on the time.
func (s *jobScheduler) longer(usual time.Duration) time.Duration {
	if !s.cfg.Lull.On() || !queue.Restful(s.status) {
		return usual
	}
	if after := s.status.Job.StalledAfter; after > 0 && !s.progress.since.IsZero() && !s.progress.told {
		return max(usual, min(restLong, after-time.Since(s.progress.since)))
	}
	return max(usual, restLong)
}

// recordEvery is how often the history of a job gets a sample.
const recordEvery = time.Second

// record adds a sample to the job's history. An error does not matter to the job, for which
// the same Redis is asked for everything else.
func (s *jobScheduler) record(ctx context.Context, counters crawler.Counters) {
	if time.Since(s.recorded) < recordEvery {
		return
	}
	s.recorded = time.Now()
	_ = s.jobs.Record(ctx, s.job, counters)
}

// approach admits the links of pages that came nearer to a seed.
func (s *jobScheduler) approach(ctx context.Context, counters crawler.Counters) error {
	if counters.Nearer == 0 {
		return nil
	}
	return s.frontier.Approach(ctx)
}

// complete reports whether all seeds are admitted and none are being added.
func (s *jobScheduler) complete() bool { return s.status.Seeded && !s.status.Held }

// statusAge is how long a job's status is cached.
const statusAge = 250 * time.Millisecond

// refresh reads the job's status if the cached one is too old.
func (s *jobScheduler) refresh(ctx context.Context) error {
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
func (s *jobScheduler) reread(ctx context.Context) error {
	s.checked = time.Time{}
	return s.refresh(ctx)
}

// sweep breaks the visits of lost workers. A worker may have had hundreds, and one sweep is
// limited: while it finds some, the next look sweeps again.
func (s *jobScheduler) sweep(ctx context.Context) error {
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

// move moves the job to its end, and reports whether it has ended: it may have been paused
// in the meantime, or ended by another scheduler.
func (s *jobScheduler) move(ctx context.Context, reason string) (bool, error) {
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
