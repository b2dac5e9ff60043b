package scheduler_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// stage is all that a scheduler sees of the world: a job that runs, in a real
// store and frontier, and a fleet that only writes down what it is ordered. The
// tests play the workers. Every call of the scheduler can be waited for, and
// told to act otherwise.
type stage struct {
	*frontier.Store
	*frontier.Frontier
	t   testing.TB
	job string

	mu       sync.Mutex
	capacity int
	orders   []crawler.Order // enqueued and not yet looked at
	calls    map[string]int
	hooks    map[string]func() error
	moved    chan struct{} // closed at the next call
	over     chan struct{} // closed when Run has returned

	scheduler *scheduler.Scheduler
	status    crawler.Status
	err       error
}

func newStage(t testing.TB, url string, settings ...func(*crawler.Job)) *stage {
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
	s := &stage{
		Store: store, Frontier: store.Frontier(job), t: t, job: job.Name, capacity: 100,
		calls: make(map[string]int), hooks: make(map[string]func() error),
		moved: make(chan struct{}), over: make(chan struct{}),
	}
	s.goes(crawler.StateRunning)
	return s
}

// twin is the same job as another process sees it.
func (s *stage) twin(t testing.TB, url string) *stage {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { rdb.Close() })
	store := frontier.New(rdb)
	return &stage{
		Store: store, Frontier: store.Frontier(s.Job()), t: t, job: s.job, capacity: s.capacity,
		calls: make(map[string]int), hooks: make(map[string]func() error),
		moved: make(chan struct{}), over: make(chan struct{}),
	}
}

// quick looks often, so that stories are short.
var quick = scheduler.Config{Tick: 2 * time.Millisecond, SweepEvery: 5 * time.Millisecond}

// run starts a scheduler, which ends with the test at the latest.
func (s *stage) run(cfg scheduler.Config) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(s.t.Context())
	s.scheduler = scheduler.New(s.job, s, s, s, cfg)
	go func() {
		defer close(s.over)
		s.status, s.err = s.scheduler.Run(ctx)
	}()
	s.t.Cleanup(func() { cancel(); <-s.over })
	return cancel
}

// ends waits for the scheduler's end, and says how the job ended.
func (s *stage) ends(state crawler.State, reason string) {
	s.t.Helper()
	<-s.over
	if s.err != nil {
		s.t.Fatal(s.err)
	}
	if s.status.State != state || s.status.Reason != reason {
		s.t.Fatalf("the job is %s because of %q, want %s because of %q", s.status.State, s.status.Reason, state, reason)
	}
}

// sees waits until the scheduler has made n more calls of a kind from their
// beginning to their end.
func (s *stage) sees(call string, n int) {
	s.t.Helper()
	s.mu.Lock()
	enough := s.calls[call] + n + 1 // one may be under way, and the last is not yet over
	for s.calls[call] < enough {
		moved := s.moved
		s.mu.Unlock()
		select {
		case <-moved:
		case <-s.over:
			s.t.Fatalf("the scheduler has ended (%s, %q, %v), and should go on", s.status.State, s.status.Reason, s.err)
		}
		s.mu.Lock()
	}
	s.mu.Unlock()
}

// goesOn waits until the scheduler has looked around some more, and fails the
// test if it ends.
func (s *stage) goesOn() {
	s.t.Helper()
	s.sees("counters", 3)
}

// on lets a call of the scheduler begin with act, and fail with its error.
func (s *stage) on(call string, act func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[call] = act
}

// at is what each call of the scheduler begins with.
func (s *stage) at(call string) error {
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

func (s *stage) Status(ctx context.Context, job string) (crawler.Status, error) {
	if err := s.at("status"); err != nil {
		return crawler.Status{}, err
	}
	return s.Store.Status(ctx, job)
}

func (s *stage) End(ctx context.Context, job string, revision int64, budget string) error {
	if err := s.at("end"); err != nil {
		return err
	}
	return s.Store.End(ctx, job, revision, budget)
}

func (s *stage) SetClosing(ctx context.Context, job string, closing bool) error {
	if err := s.at("closing"); err != nil {
		return err
	}
	return s.Store.SetClosing(ctx, job, closing)
}

func (s *stage) Move(ctx context.Context, job string, to crawler.State, reason string, from ...crawler.State) (bool, error) {
	if err := s.at("move"); err != nil {
		return false, err
	}
	return s.Store.Move(ctx, job, to, reason, from...)
}

func (s *stage) Arm(ctx context.Context, limit int) ([]crawler.Order, error) {
	if err := s.at("arm"); err != nil {
		return nil, err
	}
	return s.Frontier.Arm(ctx, limit)
}

func (s *stage) Sweep(ctx context.Context, late time.Duration) (int, error) {
	if err := s.at(map[bool]string{false: "sweep", true: "sweep late"}[late > 0]); err != nil {
		return 0, err
	}
	return s.Frontier.Sweep(ctx, late)
}

func (s *stage) Reclaim(ctx context.Context) (int64, error) {
	if err := s.at("reclaim"); err != nil {
		return 0, err
	}
	return s.Frontier.Reclaim(ctx)
}

func (s *stage) Counters(ctx context.Context) (crawler.Counters, error) {
	if err := s.at("counters"); err != nil {
		return crawler.Counters{}, err
	}
	return s.Frontier.Counters(ctx)
}

func (s *stage) Idle(ctx context.Context) (bool, error) {
	if err := s.at("idle"); err != nil {
		return false, err
	}
	return s.Frontier.Idle(ctx)
}

func (s *stage) Capacity(string) (int, error) {
	if err := s.at("capacity"); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capacity, nil
}

func (s *stage) Enqueue(_ context.Context, job crawler.Status, o crawler.Order) error {
	if job.Job.Name != s.job || job.Created.IsZero() {
		s.t.Errorf("the visit of %s is enqueued for job %q, created %v", o.Host, job.Job.Name, job.Created)
	}
	s.mu.Lock()
	s.orders = append(s.orders, o)
	s.mu.Unlock()
	return s.at("enqueue")
}
