package scheduler_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// fixture is the environment of a scheduler: a running job in a real store and frontier, and a
// fleet that only records the enqueued visits. The tests act as the workers. They can wait for each
// call of the scheduler, and make it fail or block.
type fixture struct {
	*frontier.Store
	*frontier.Frontier
	t   testing.TB
	job string

	mu       sync.Mutex
	capacity int
	enqueued []queue.VisitRef // enqueued, but not yet taken by the test
	calls    map[string]int
	hooks    map[string]func() error
	moved    chan struct{} // closed at the next call
	done     chan struct{} // closed when Run has returned

	scheduler *scheduler.Scheduler
	status    crawler.Status
	err       error
}

func newFixture(t testing.TB, url string, settings ...func(*crawler.Job)) *fixture {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { rdb.Close() })
	job := crawler.DefaultJob()
	job.Name, job.Politeness = redistest.Name(t), crawler.PolitenessJob // hosts of all tests have the same names
	for _, set := range settings {
		set(&job)
	}
	store := frontier.New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	s := &fixture{
		Store: store, Frontier: store.Frontier(job), t: t, job: job.Name, capacity: 100,
		calls: make(map[string]int), hooks: make(map[string]func() error),
		moved: make(chan struct{}), done: make(chan struct{}),
	}
	s.move(crawler.StateRunning)
	return s
}

// inOtherProcess returns the same job as another process sees it.
func (s *fixture) inOtherProcess(t testing.TB, url string) *fixture {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { rdb.Close() })
	store := frontier.New(rdb)
	return &fixture{
		Store: store, Frontier: store.Frontier(s.Job()), t: t, job: s.job, capacity: s.capacity,
		calls: make(map[string]int), hooks: make(map[string]func() error),
		moved: make(chan struct{}), done: make(chan struct{}),
	}
}

// fastConfig makes the scheduler check the job often, which keeps the tests short.
var fastConfig = scheduler.Config{Tick: 2 * time.Millisecond, SweepEvery: 5 * time.Millisecond}

// run starts a scheduler, which stops at the end of the test at the latest.
func (s *fixture) run(cfg scheduler.Config) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.t.Context())
	s.scheduler = scheduler.New(s.job, s, s, s, cfg)
	go func() {
		defer close(s.done)
		s.status, s.err = s.scheduler.Run(ctx)
	}()
	s.t.Cleanup(func() { cancel(); <-s.done })
	return cancel
}

// wantEnd waits until Run returns, and checks how the job ended.
func (s *fixture) wantEnd(state crawler.State, reason string) {
	s.t.Helper()
	<-s.done
	if s.err != nil {
		s.t.Fatal(s.err)
	}
	if s.status.State != state || s.status.Reason != reason {
		s.t.Fatalf("the job is %s because of %q, want %s because of %q", s.status.State, s.status.Reason, state, reason)
	}
}

// waitCalls waits until n calls of a kind have begun and returned.
func (s *fixture) waitCalls(call string, n int) {
	s.t.Helper()
	s.mu.Lock()
	enough := s.calls[call] + n + 1 // one may be in progress, and the last must return
	for s.calls[call] < enough {
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-s.done:
			s.t.Fatalf("the scheduler has stopped (%s, %q, %v), want it to continue", s.status.State, s.status.Reason,
				s.err)
		}
		s.mu.Lock()
	}
	s.mu.Unlock()
}

// wantRunning waits for a few more rounds of the scheduler, and fails the test if it stops.
func (s *fixture) wantRunning() {
	s.t.Helper()
	s.waitCalls("counters", 3)
}

// hook makes a call of the scheduler begin with act, and fail with its error.
func (s *fixture) hook(call string, act func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[call] = act
}

// called runs the hook of a call.
func (s *fixture) called(call string) error {
	s.mu.Lock()
	s.calls[call]++
	close(s.moved)
	s.moved = make(chan struct{})
	act := s.hooks[call]
	s.mu.Unlock()
	if act == nil {
		return nil
	}
	return act()
}

func (s *fixture) Status(ctx context.Context, job string) (crawler.Status, error) {
	if err := s.called("status"); err != nil {
		return crawler.Status{}, err
	}
	return s.Store.Status(ctx, job)
}

func (s *fixture) End(ctx context.Context, job string, revision int64, budget string) error {
	if err := s.called("end"); err != nil {
		return err
	}
	return s.Store.End(ctx, job, revision, budget)
}

func (s *fixture) Stalled(ctx context.Context, job string, settled int64, since time.Duration) error {
	if err := s.called("stalled"); err != nil {
		return err
	}
	return s.Store.Stalled(ctx, job, settled, since)
}

func (s *fixture) SetClosing(ctx context.Context, job string, closing bool) error {
	if err := s.called("closing"); err != nil {
		return err
	}
	return s.Store.SetClosing(ctx, job, closing)
}

func (s *fixture) Move(ctx context.Context, job string, to crawler.State, reason string,
	from ...crawler.State) (bool, error) {
	if err := s.called("move"); err != nil {
		return false, err
	}
	return s.Store.Move(ctx, job, to, reason, from...)
}

func (s *fixture) Arm(ctx context.Context, limit int) ([]queue.VisitRef, error) {
	if err := s.called("arm"); err != nil {
		return nil, err
	}
	return s.Frontier.Arm(ctx, limit)
}

func (s *fixture) Sweep(ctx context.Context, late time.Duration) (int, error) {
	if err := s.called(map[bool]string{false: "sweep", true: "sweep late"}[late > 0]); err != nil {
		return 0, err
	}
	return s.Frontier.Sweep(ctx, late)
}

func (s *fixture) Reclaim(ctx context.Context) (int64, error) {
	if err := s.called("reclaim"); err != nil {
		return 0, err
	}
	return s.Frontier.Reclaim(ctx)
}

func (s *fixture) Counters(ctx context.Context) (crawler.Counters, error) {
	if err := s.called("counters"); err != nil {
		return crawler.Counters{}, err
	}
	return s.Frontier.Counters(ctx)
}

func (s *fixture) Idle(ctx context.Context) (bool, error) {
	if err := s.called("idle"); err != nil {
		return false, err
	}
	return s.Frontier.Idle(ctx)
}

func (s *fixture) Capacity(string) (int, error) {
	if err := s.called("capacity"); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capacity, nil
}

func (s *fixture) Enqueue(_ context.Context, job crawler.Status, orders []queue.VisitRef) (enqueued int, err error) {
	for i, o := range orders {
		if job.Job.Name != s.job || job.Created.IsZero() {
			s.t.Errorf("a visit to %s is enqueued for job %q, created %v", o.Host, job.Job.Name, job.Created)
		}
		s.mu.Lock()
		s.enqueued = append(s.enqueued, o)
		s.mu.Unlock()
		if err := s.called("enqueue"); err != nil {
			return i, err
		}
	}
	return len(orders), nil
}
