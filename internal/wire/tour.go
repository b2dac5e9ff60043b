package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// maxTour is the most visits of one task. asynq runs three scripts for a task, which is as much as
// a visit to a host with one page costs otherwise, and for this many visits is not noticed.
const maxTour = 32

// toursEach is how many tasks there are at least for each worker of the job, before a task has
// more than one visit. So workers get equal shares.
const toursEach = 4

// tourOf returns how many visits a task has, if so many are due at once and so many workers serve
// the job. Few visits have tasks of their own, so that each begins as soon as a place is free.
func tourOf(due, workers int) int {
	switch workers {
	case 0: // unknown
		return 1
	case 1:
		return min(due, maxTour)
	}
	return min(max(1, due/(toursEach*workers)), maxTour)
}

// tour is the payload of a task of [TypeFetch]: one visit, or several that begin at the same time.
type tour struct {
	Visit
	// More are further visits of the same run of the job.
	More []stop `json:"more,omitempty"`
}

// stop is one of the further visits of a tour.
type stop struct {
	Host  crawler.Host `json:"host"`
	Epoch int64        `json:"epoch"`
}

// newTour returns the tour of these visits; at least one.
func newTour(job string, run int64, orders []queue.VisitRef) tour {
	t := tour{Visit: Visit{Job: job, Run: run, Host: orders[0].Host, Epoch: orders[0].Epoch}}
	for _, o := range orders[1:] {
		t.More = append(t.More, stop(o))
	}
	return t
}

// visits lists the visits of the tour.
func (t tour) visits() []Visit {
	all := []Visit{t.Visit}
	for _, s := range t.More {
		all = append(all, Visit{Job: t.Job, Run: t.Run, Host: s.Host, Epoch: s.Epoch})
	}
	return all
}

// task returns the asynq task. Its ID is that of the first visit.
func (t tour) task(timeout, retention time.Duration) (*asynq.Task, error) {
	payload, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("visit of %s: %w", t.Host, err)
	}
	return asynq.NewTask(TypeFetch, payload,
		asynq.TaskID(t.id()), asynq.Queue(t.Job), asynq.Timeout(timeout), asynq.Retention(retention),
		// asynq counts the death of a worker as a try. The second delivery finds that its
		// epochs are outdated and ends the task.
		asynq.MaxRetry(1)), nil
}

func parseTour(t *asynq.Task) (tour, error) {
	var parsed tour
	if err := json.Unmarshal(t.Payload(), &parsed); err != nil {
		return tour{}, fmt.Errorf("payload %.200q of a %s task: %w", t.Payload(), t.Type(), err)
	}
	for _, v := range parsed.visits() {
		if v.Job == "" || v.Host == "" || v.Epoch <= 0 {
			return tour{}, fmt.Errorf("payload %.200q of a %s task names no visit: want job, host and epoch",
				t.Payload(), t.Type())
		}
	}
	return parsed, nil
}

// visit runs one task of TypeFetch: all its visits at the same time. asynq does not retry a visit
// that failed: the frontier knows what remains to be done, and will arm another visit. The task
// stays visible in the archive, with the error.
func (s *Server) visit(ctx context.Context, t *asynq.Task) error {
	parsed, err := parseTour(t)
	if err != nil {
		s.log.Warn("a task is archived", "job", s.job, "error", err)
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	visits := s.fit(ctx, parsed.visits())
	ctx, cancel := s.outlive(ctx)
	defer cancel()
	var reports []queue.Report
	if len(visits) == 1 {
		reports = make([]queue.Report, 1)
		reports[0], err = s.handle(ctx, visits[0], s.drain)
	} else {
		reports, err = s.tour(ctx, visits)
	}
	result := any(reports[0])
	if len(parsed.More) > 0 {
		result = map[string]any{"visits": reports}
	}
	text, jsonErr := json.Marshal(result)
	if jsonErr == nil {
		_, jsonErr = t.ResultWriter().Write(text)
	}
	if err = errors.Join(err, jsonErr); err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return nil
}

// tour runs visits at the same time, and returns their reports in the same order. The place of the
// task is taken until the last has ended, and those of the others until each of them has.
func (s *Server) tour(ctx context.Context, visits []Visit) ([]queue.Report, error) {
	reports, errs := make([]queue.Report, len(visits)), make([]error, len(visits))
	var running sync.WaitGroup
	left := newCountdown(len(visits))
	for i, v := range visits {
		running.Go(func() {
			reports[i], errs[i] = s.guarded(ctx, v)
			if !left.last() && s.places != nil {
				s.places.Release(s.job)
			}
		})
	}
	running.Wait()
	return reports, errors.Join(errs...)
}

// guarded runs a visit of a tour. If it panics, the others continue, and the panic is its error, as
// it is the error of a task with one visit.
func (s *Server) guarded(ctx context.Context, v Visit) (report queue.Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the visit of %s panicked: %v\n%s", v.Host, p, debug.Stack())
		}
	}()
	return s.handle(ctx, v, s.drain)
}

// countdown tells which of several goroutines ends last.
type countdown struct {
	mu   sync.Mutex
	left int
}

func newCountdown(n int) *countdown { return &countdown{left: n} }

// last counts down, and reports whether none is left.
func (c *countdown) last() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	return c.left == 0
}

// fit returns those visits of a task for which the worker has places, at least the first. The
// others return to the queue, for any worker. If that fails, they are swept, as visits are whose
// worker died.
func (s *Server) fit(ctx context.Context, visits []Visit) []Visit {
	if s.places == nil || len(visits) == 1 {
		return visits
	}
	n := 1 + s.places.Reserve(s.job, len(visits)-1)
	if n == len(visits) {
		return visits
	}
	if err := s.giveBack(ctx, visits[n:]); err != nil && ctx.Err() == nil {
		s.log.Warn("visits could not return to their queue; they will be swept", "job", s.job,
			"visits", len(visits)-n, "error", err)
	}
	return visits[:n]
}

// giveBack enqueues visits again.
func (s *Server) giveBack(ctx context.Context, visits []Visit) error {
	orders := make([]queue.VisitRef, len(visits))
	for i, v := range visits {
		orders[i] = v.Ref()
	}
	deadline, _ := ctx.Deadline() // every task has one
	// asynq counts in whole seconds, and this task has been under way for less than one.
	timeout := time.Until(deadline).Truncate(time.Second) + time.Second
	task, err := newTour(visits[0].Job, visits[0].Run, orders).task(timeout, minRetention)
	if err != nil {
		return err
	}
	_, err = s.returning().EnqueueContext(ctx, task)
	if errors.Is(err, asynq.ErrTaskIDConflict) { // the task was delivered before
		err = nil
	}
	return err
}

// returning returns the client that enqueues visits again.
func (s *Server) returning() *asynq.Client {
	s.dialing.Lock()
	defer s.dialing.Unlock()
	if s.returns == nil {
		s.returns = asynq.NewClient(s.redis)
	}
	return s.returns
}
