package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// This file arms, enqueues and recalls visits to hosts that are due.

// arm arms visits to hosts that are due, as many as the fleet has room for, and recalls
// visits whose places other jobs should have.
func (s *jobScheduler) arm(ctx context.Context, counters crawler.Counters) error {
	s.shares.note(s.job, need{weight: s.status.Job.Weight, visits: int(counters.Out() + counters.Ready),
		open: int(counters.Open)})
	if counters.Ready+counters.Open == 0 {
		return nil
	}
	capacity, err := s.fleet.Capacity(s.job)
	if err != nil {
		return err
	}
	allowed := s.shares.allowed(s.job, s.status.Job.Weight, capacity)
	recallErr := s.recall(ctx, s.excess(counters, allowed, capacity))
	if counters.Ready > 0 {
		allowed = min(allowed, max(1, int(s.cfg.Room(ctx)*float64(allowed))))
	}
	if counters.Ready == 0 || int64(allowed) <= counters.Out() {
		return recallErr
	}
	orders, err := s.frontier.Arm(ctx, allowed)
	s.owed = append(s.owed, orders...)
	return errors.Join(recallErr, err, s.enqueue(ctx))
}

// recallEvery is how often visits are told to end. They check about once a second.
const recallEvery = 200 * time.Millisecond

// excess returns how many visits should end early: those whose places other jobs should
// have, or that hosts with urgent URLs wait for.
func (s *jobScheduler) excess(counters crawler.Counters, allowed, capacity int) int {
	surplus := s.shares.surplus(s.job, capacity)
	waiting := int(counters.Urgent) - max(0, allowed-int(counters.Out()))
	return max(surplus, min(waiting, int(counters.Open)))
}

// recall tells this many visits to end.
func (s *jobScheduler) recall(ctx context.Context, visits int) error {
	if visits <= 0 || time.Since(s.recalled) < recallEvery {
		return nil
	}
	s.recalled = time.Now()
	return s.frontier.Recall(ctx, visits)
}

// enqueue enqueues the visits that were armed. Visits that fail stay owed, and are retried
// at the next look: the hosts of a whole batch should not wait until they are swept because
// asynq was unavailable for a moment.
func (s *jobScheduler) enqueue(ctx context.Context) error {
	if len(s.owed) == 0 {
		return nil
	}
	enqueued, err := s.fleet.Enqueue(ctx, s.status, s.owed)
	s.owed = s.owed[enqueued:]
	return err
}

// payOffTerm is how long a scheduler that stops may take to enqueue what it armed.
const payOffTerm = 2 * time.Second

// payOff enqueues what is owed when the scheduler stops before the job has ended.
func (s *jobScheduler) payOff(ctx context.Context) {
	if s.status.State.Ended() || len(s.owed) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payOffTerm)
	defer cancel()
	if err := s.enqueue(ctx); err != nil {
		s.cfg.Log.Warn("could not enqueue visits; they will be swept", "job", s.job, "visits", len(s.owed),
			"error", err)
	}
}
