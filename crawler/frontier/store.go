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
)

// Store is the Redis of a fleet. It is safe for concurrent use.
type Store struct {
	rdb    redis.UniversalClient
	lease  time.Duration          // of visits
	alone  bool                   // no other process has jobs in it
	now    func() time.Time       // the clock of this machine
	fleet  atomic.Pointer[string] // the fleet's ID, once it is known
	closed atomic.Pointer[error]  // why nothing but Review may use the Redis now; nil: everything may

	confirmations confirmations
	links         linkCodec
	reports       reports

	mu      sync.Mutex
	recent  map[string]*recent      // by job: shared by all frontiers of the process
	created map[string]time.Time    // by job: of which one of its name recent is
	live    map[string]*liveBudgets // by job
	hash    func(key string) uint64
}

// HashBy lets the process remember seen URLs by the given hash instead of a random
// one, so that a simulation can be repeated. It is called before any frontier is
// made. The hash must not be known to strangers in a real crawl: a URL with the
// hash of another would be taken for seen.
func (s *Store) HashBy(hash func(key string) uint64) { s.hash = hash }

// New returns the store in a Redis of version 6.2 or later. The caller closes
// the client.
func New(rdb redis.UniversalClient) *Store {
	s := &Store{rdb: rdb, lease: Lease, now: time.Now, recent: make(map[string]*recent), created: make(map[string]time.Time), live: make(map[string]*liveBudgets)}
	rdb.AddHook(gate{s})
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		cluster.OnNewNode(func(node *redis.Client) { node.AddHook(dialing{s.forget}) })
	} else {
		rdb.AddHook(dialing{s.forget})
	}
	return s
}

// Private reports whether one process has the Redis to itself.
func (s *Store) Private() bool { return s.lease == PrivateLease }

// NewPrivate returns the store in a Redis that one process has to itself. Its
// visits have [PrivateLease]: no other process waits for their hosts, and a process
// that starts again calls [Frontier.Abandon]. A machine that is busy for longer than
// a [Lease] then loses no visit.
func NewPrivate(rdb redis.UniversalClient) *Store {
	s := New(rdb)
	s.lease, s.alone = PrivateLease, true
	return s
}

// forget forgets what the process knows to be seen.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.recent {
		r.forget()
	}
}

// dialing is a hook that is called before a connection is used.
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

// Create stores a new job. It returns [crawler.ErrJobExists] if there is one of that name.
func (s *Store) Create(ctx context.Context, job crawler.Job) error {
	return s.create(ctx, job, "", crawler.Origin{})
}

// CreateFrom stores a new job of an origin. It returns [crawler.ErrJobExists] if there is one of
// that name.
func (s *Store) CreateFrom(ctx context.Context, job crawler.Job, origin crawler.Origin) error {
	return s.create(ctx, job, "", origin)
}

// CreateRun stores a run of a periodic job. It returns [crawler.ErrJobExists] if there is a job
// of that name, be it that run or another job.
func (s *Store) CreateRun(ctx context.Context, run crawler.Job, of string) error {
	return s.create(ctx, run, of, crawler.Origin{})
}

func (s *Store) create(ctx context.Context, job crawler.Job, runOf string, origin crawler.Origin) error {
	if err := job.Validate(); err != nil {
		return err
	}
	settings, err := json.Marshal(job)
	if err != nil {
		return fmt.Errorf("job %s: %w", job.Name, err)
	}
	isNew, err := run(ctx, s.rdb, createScript, "create", jobBase(job.Name)+nameJob, settings, string(crawler.StateCreated), runOf,
		flag(origin.Opens), origin.Owner).Int()
	if err != nil {
		return err
	}
	// Whoever finds that there is one lists it too: its creator may have died.
	if err := s.rdb.SAdd(ctx, keyJobs, job.Name).Err(); err != nil {
		return fmt.Errorf("create job %s: %w", job.Name, err)
	}
	if isNew == 0 {
		return fmt.Errorf("job %q: %w", job.Name, crawler.ErrJobExists)
	}
	return nil
}

// Status returns a job with its state, or [crawler.ErrNoJob]. A job whose record
// cannot be read is [crawler.StateBroken], with the reason.
func (s *Store) Status(ctx context.Context, name string) (crawler.Status, error) {
	status, err := s.status(ctx, name)
	if isWrongType(err) {
		return s.mendStatus(ctx, name)
	}
	return status, err
}

func (s *Store) status(ctx context.Context, name string) (crawler.Status, error) {
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
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	h := fields.Val()
	if len(h) == 0 {
		return crawler.Status{}, fmt.Errorf("job %q: %w", name, crawler.ErrNoJob)
	}
	status := crawler.Status{
		Job: crawler.DefaultJob(), State: crawler.State(h["state"]), Reason: h["reason"], Ending: h["ending"],
		Closing: h["closing"] == "1",
		Seeded:  h["seeded"] == "1", Cleared: h["cleared"] == "1", Now: now,
		Held:    len(holds.Val()) > 0 && int64(holds.Val()[0].Score) > now.UnixMilli(),
		Created: moment(h["created"]), Started: moment(h["started"]), Ended: moment(h["ended"]),
		Paused: h["paused"] == "1", Showing: h["paused"] == pauseUnsure, Tick: moment(h["tick"]), Run: h["run"], RunOf: h["run_of"], Scheduled: moment(h["scheduled"]), Ran: elapsed(h["ran"]),
		Origin:   crawler.Origin{Opens: h["opens"] == "1", Owner: h["owner"]},
		Revision: number(h["revision"]),
		Troubles: troublesOf(troubles.Val(), now),
		Awaited:  awaitedOf(awaited.Val(), now),

		Unfinished: unfinishedOf(awaited.Val(), now),
	}
	if reason := flaw(&status, name, h["settings"]); reason != "" {
		return broken(name, now, reason), nil
	}
	if json.Unmarshal([]byte(h["changes"]), &status.Changes) != nil {
		status.Changes = nil // they are only shown
	}
	s.meet(status, number(h["budgeted"]))
	return status, nil
}

// moment reads unix milliseconds; "" is the zero time.
func moment(ms string) time.Time {
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// number reads a whole number; "" is 0.
func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// elapsed reads milliseconds; "" is none.
func elapsed(ms string) time.Duration {
	n, _ := strconv.ParseInt(ms, 10, 64) // what is no number was never noted
	return time.Duration(n) * time.Millisecond
}

// Jobs lists the names of all jobs, sorted.
func (s *Store) Jobs(ctx context.Context) ([]string, error) {
	names, err := s.rdb.SMembers(ctx, keyJobs).Result()
	if isWrongType(err) {
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

// Move takes a job into a state, if it is in one of those given, and reports
// whether it did. It returns [crawler.ErrNoJob] for a job that does not exist.
func (s *Store) Move(ctx context.Context, name string, to crawler.State, reason string, from ...crawler.State) (bool, error) {
	args := []any{string(to), reason}
	for _, f := range from {
		args = append(args, string(f))
	}
	was, err := run(ctx, s.rdb, stateScript, "state", jobBase(name)+nameJob, args...).Text()
	if err != nil {
		return false, err
	}
	if was == "" {
		return false, fmt.Errorf("job %q: %w", name, crawler.ErrNoJob)
	}
	return slices.Contains(from, crawler.State(was)), nil
}

// meet forgets what this process remembers of an earlier job of the name, which
// another process has removed, and notes the budgets of this one.
func (s *Store) meet(job crawler.Status, budgeted int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := job.Job.Name
	if !s.created[name].Equal(job.Created) {
		delete(s.recent, name)
		delete(s.live, name)
		s.created[name] = job.Created
	}
	s.liveOf(name).note(budgetsOf(job.Job, job.Revision, budgeted))
}

// liveOf returns the budgets of a job, with s.mu held.
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
		store: s, rdb: s.rdb, job: job, identity: crawler.NewIdentity(job), depths: depthsOf(job), links: &s.links, recent: s.recent[job.Name], live: s.liveOf(job.Name),
		confirmations: &s.confirmations, reports: &s.reports,
		lease: s.lease, term: max(s.lease, ArmTerm), shares: !s.alone && job.Politeness != crawler.PolitenessJob,
	}
	if created := s.created[job.Name]; !created.IsZero() {
		f.run = created.UnixMilli()
	}
	return f
}
