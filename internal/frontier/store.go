package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// Store is the Redis of a fleet. It is safe for concurrent use.
type Store struct {
	rdb    redis.UniversalClient
	lease  time.Duration          // of visits
	alone  bool                   // no other process has jobs in it
	now    func() time.Time       // the local clock
	fleet  atomic.Pointer[string] // the fleet's ID, once it is known
	review reviewed
	closed atomic.Pointer[error] // why only Review may use Redis now; nil if it may be used freely

	confirmations confirmations
	links         linkCodec
	reports       reports
	spills        spills

	mu      sync.Mutex
	recent  map[string]*recent      // by job; shared by all frontiers of the process
	created map[string]time.Time    // by job; identifies the job that recent belongs to
	live    map[string]*liveBudgets // by job
	watched map[string]tail.Watch   // by job: what someone watches, as last read
	hash    func(key string) uint64
}

// HashBy makes the process remember seen URLs by the given hash instead of a random one, so
// that a simulation can be repeated. Call it before any frontier is made. In a real crawl
// the hash must be unknown to others: a URL with the same hash as another would be skipped
// as seen.
func (s *Store) HashBy(hash func(key string) uint64) { s.hash = hash }

// New returns the store in a Redis of version 6.2 or later. The caller must close the
// client.
func New(rdb redis.UniversalClient) *Store {
	s := &Store{rdb: rdb, lease: Lease, now: time.Now, recent: make(map[string]*recent),
		created: make(map[string]time.Time), live: make(map[string]*liveBudgets), watched: make(map[string]tail.Watch)}
	rdb.AddHook(gate{s})
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		cluster.OnNewNode(func(node *redis.Client) { node.AddHook(dialing{s.forget}) })
	} else {
		rdb.AddHook(dialing{s.forget})
	}
	return s
}

// Private reports whether the process has the Redis to itself.
func (s *Store) Private() bool { return s.lease == PrivateLease }

// NewPrivate returns the store in a Redis that one process has to itself. Its visits have
// the long [PrivateLease], so that none is lost when the machine is busy for longer than
// [Lease]. That is safe because no other process waits for their hosts, and a process that
// restarts calls [Frontier.Abandon].
func NewPrivate(rdb redis.UniversalClient) *Store {
	s := New(rdb)
	s.lease, s.alone = PrivateLease, true
	return s
}

// forget clears the process's memory of seen URLs.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.recent {
		r.forget()
	}
}

// dialing is a hook that calls connected after each new connection.
type dialing struct{ connected func() }

func (d dialing) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err == nil {
			d.connected()
		}
		return conn, err
	}
}

func (d dialing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (d dialing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Create stores a new job. It returns [queue.ErrJobExists] if the name is taken.
func (s *Store) Create(ctx context.Context, job crawler.Job) error {
	return s.create(ctx, job, "", queue.Origin{})
}

// CreateFrom stores a new job with an origin. It returns [queue.ErrJobExists] if the name
// is taken.
func (s *Store) CreateFrom(ctx context.Context, job crawler.Job, origin queue.Origin) error {
	return s.create(ctx, job, "", origin)
}

// CreateRun stores a run of a periodic job. It returns [queue.ErrJobExists] if the name
// is taken, by this run or by another job. Ports opened for the periodic job are opened for
// the run.
func (s *Store) CreateRun(ctx context.Context, run crawler.Job, of string) error {
	ports, err := s.OpenedPorts(ctx, of)
	if err == nil {
		err = s.OpenPorts(ctx, run.Name, ports)
	}
	if err != nil {
		return err
	}
	return s.create(ctx, run, of, queue.Origin{})
}

func (s *Store) create(ctx context.Context, job crawler.Job, runOf string, origin queue.Origin) error {
	if err := rules.Validate(job); err != nil {
		return err
	}
	settings, err := json.Marshal(job)
	if err != nil {
		return fmt.Errorf("job %s: %w", job.Name, err)
	}
	isNew, err := run(ctx, s.rdb, createScript(), "create", jobBase(job.Name)+nameJob, settings,
		string(crawler.StateCreated), runOf,
		flag(origin.Opens), origin.Owner, origin.After).Int()
	if err != nil {
		return err
	}
	// List it even if it existed before: its creator may have died before it did.
	if err := s.rdb.SAdd(ctx, keyJobs, job.Name).Err(); err != nil {
		return fmt.Errorf("create job %s: %w", job.Name, err)
	}
	s.Tell(ctx, job.Name)
	if isNew == 0 {
		return fmt.Errorf("job %q: %w", job.Name, queue.ErrJobExists)
	}
	return nil
}

// Status returns a job with its state, or [queue.ErrNoJob]. A job whose record cannot be
// read is in [crawler.StateBroken], with a reason.
func (s *Store) Status(ctx context.Context, name string) (crawler.Status, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	return s.statusAt(ctx, name, now)
}

// statusAt is Status at a time of Redis's clock.
func (s *Store) statusAt(ctx context.Context, name string, now time.Time) (crawler.Status, error) {
	status, err := s.status(ctx, name, now)
	if redisconn.IsWrongType(err) {
		return s.mendStatus(ctx, name, now)
	}
	return status, err
}

func (s *Store) status(ctx context.Context, name string, now time.Time) (crawler.Status, error) {
	var fields *redis.MapStringStringCmd
	var holds *redis.ZSliceCmd
	var troubles, awaited *redis.MapStringStringCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		fields = p.HGetAll(ctx, jobBase(name)+nameJob)
		holds = p.ZRangeWithScores(ctx, jobBase(name)+nameHolds, -1, -1)
		troubles = p.HGetAll(ctx, jobBase(name)+nameTroubles)
		awaited = p.HGetAll(ctx, jobBase(name)+nameAwaited)
		return nil
	})
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	h := fields.Val()
	if len(h) == 0 {
		return crawler.Status{}, fmt.Errorf("job %q: %w", name, queue.ErrNoJob)
	}
	status := crawler.Status{
		Job: crawler.DefaultJob(), State: crawler.State(h["state"]), Reason: h["reason"], Ending: h["ending"],
		Closing: h["closing"] == "1",
		Seeded:  h["seeded"] == "1", Cleared: h["cleared"] == "1", Now: now,
		Held:    len(holds.Val()) > 0 && int64(holds.Val()[0].Score) > now.UnixMilli(),
		Created: moment(h["created"]), Started: moment(h["started"]), Ended: moment(h["ended"]),
		Paused: h["paused"] == "1", Showing: h["paused"] == pauseUnsure, Tick: moment(h["tick"]), Run: h["run"],
		RunOf: h["run_of"], Scheduled: moment(h["scheduled"]), Ran: elapsed(h["ran"]),
		Opens: h["opens"] == "1", Owner: h["owner"], After: h["after"],
		Revision: number(h["revision"]), Events: number(h["events"]), Told: number(h["told"]),
		Troubles: troublesOf(troubles.Val(), now),
		Awaited:  awaitedOf(awaited.Val(), now),

		Unfinished: unfinishedOf(awaited.Val(), now),
	}
	if reason := flaw(&status, name, h["settings"]); reason != "" {
		return broken(name, now, reason), nil
	}
	if json.Unmarshal([]byte(h["changes"]), &status.Changes) != nil {
		status.Changes = nil // they are only for display
	}
	status.Freshness = freshnessOf(h["freshness"])
	s.meet(status, number(h["budgeted"]), watchOf(h, now), h["threshold"])
	return status, nil
}

// moment parses unix milliseconds; "" is the zero time.
func moment(ms string) time.Time {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// number parses an integer; "" is 0.
func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// elapsed parses milliseconds; "" is 0.
func elapsed(ms string) time.Duration {
	n, _ := strconv.ParseInt(ms, 10, 64) // 0 if it is not a number
	return time.Duration(n) * time.Millisecond
}

// Jobs lists the names of all jobs, sorted.
func (s *Store) Jobs(ctx context.Context) ([]string, error) {
	names, err := s.rdb.SMembers(ctx, keyJobs).Result()
	if redisconn.IsWrongType(err) {
		if err = s.mendJobs(ctx); err == nil {
			names, err = s.rdb.SMembers(ctx, keyJobs).Result()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// Move changes a job's state, if the current state is one of from, and reports whether it
// did. A job that is brought seeds does not become done for want of work. It returns
// [queue.ErrNoJob] if there is no such job.
func (s *Store) Move(ctx context.Context, name string, to crawler.State, reason string,
	from ...crawler.State) (bool, error) {
	args := []any{string(to), reason}
	for _, f := range from {
		args = append(args, string(f))
	}
	keys := []string{jobBase(name) + nameJob, jobBase(name) + nameHolds, jobBase(name) + nameEvents}
	was, err := runKeys(ctx, s.rdb, stateScript(), "state", keys, args...).Text()
	if err != nil {
		return false, err
	}
	if was == "" {
		return false, fmt.Errorf("job %q: %w", name, queue.ErrNoJob)
	}
	moved := slices.Contains(from, crawler.State(was))
	if moved {
		s.Tell(ctx, name)
	}
	return moved, nil
}

// meet forgets what this process remembers of an earlier job of the same name, which
// another process has removed, and stores the budgets of this one, and what of it is watched.
func (s *Store) meet(job crawler.Status, budgeted int64, watched tail.Watch, threshold string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := job.Job.Name
	if !s.created[name].Equal(job.Created) {
		delete(s.recent, name)
		delete(s.live, name)
		s.created[name] = job.Created
	}
	live := s.liveOf(name)
	live.note(budgetsOf(job.Job.BudgetSettings, job.Revision, budgeted))
	live.course.Store(courseOf(job.Job.Recrawl, job.Revision, threshold, live.course.Load()))
	s.watch(name, watched)
}

// liveOf returns the budgets of a job. s.mu is held.
func (s *Store) liveOf(name string) *liveBudgets {
	if s.live[name] == nil {
		s.live[name] = new(liveBudgets)
	}
	return s.live[name]
}

// Frontier returns the frontier of a job that was created.
func (s *Store) Frontier(job crawler.Job) *Frontier {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent[job.Name] == nil {
		s.recent[job.Name] = newRecent(s.hash)
	}
	f := &Frontier{
		store: s, rdb: s.rdb, job: job, identity: rules.NewIdentity(job.ScopeSettings),
		depths: depthsOf(job.ScopeSettings), links: &s.links, recent: s.recent[job.Name], live: s.liveOf(job.Name),
		confirmations: &s.confirmations, reports: &s.reports,
		lease: s.lease, term: max(s.lease, ArmTerm), shares: !s.alone && job.Politeness != crawler.PolitenessJob,
	}
	if created := s.created[job.Name]; !created.IsZero() {
		f.run = created.UnixMilli()
	}
	f.admits.pace, f.admits.run = s.pace(), f.admitAll
	f.opens.pace, f.opens.run = s.pace(), f.openAll
	f.takes.pace, f.takes.run = s.pace(), f.takeAll
	f.settles.pace, f.settles.run = s.pace(), f.settleAll
	return f
}

// pace returns the pace of gatherers. In a simulation each call is made by itself: which calls meet
// would depend on the order in which goroutines run.
func (s *Store) pace() time.Duration {
	if s.hash != nil {
		return 0
	}
	return gatherPace
}
