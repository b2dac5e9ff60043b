package scheduler

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// shares divides the places of a fleet between the running jobs, by their weights. Other
// jobs may use what a job does not need. It is safe for concurrent use. A nil shares gives
// everything to one job.
//
// The jobs share the time of the places, not the number of visits: a visit of thirty
// seconds costs its job as much as thirty visits of one second. The time that all jobs had
// together is divided by weights and needs. A job that had less than its part is behind by
// the difference, in place-seconds; one that had more is ahead.
//
// Two decisions follow the balances. Parts are rarely whole numbers: of six places, jobs of
// weights 1 and 3 should have 1.5 and 4.5. The places left over by rounding down go to the
// jobs that are furthest behind. And a job that holds more places than it should gives them
// back before its visits end by themselves, once it is ahead, or another behind, by more
// than a second of its part.
//
// Each scheduler has its own shares. All see the same jobs and, within a moment, the same
// needs, and balances fade within minutes. So schedulers agree, whenever they started.
//
// Jobs share places if a worker serves both, or if they are linked by jobs that do: they
// are a group. Groups do not affect one another.
type shares struct {
	now     func() time.Time
	workers func(job string) []string // workers that serve a job; nil: the same workers serve all jobs

	mu      sync.Mutex
	jobs    map[string]*account
	counted time.Time // the time of the places is divided up to this time
	grouped time.Time // when the groups were last computed
}

// need is what a job can use.
type need struct {
	weight int
	visits int // enqueued, open, or wanted by hosts that are ready
	open   int // how many of these are open: each has a place
}

// account is what a job needs, and how far it is behind its part.
type account struct {
	name  string
	group string // a worker's or job's name that identifies the group
	need
	part    float64   // number of places, when last computed
	behind  float64   // place-seconds; below 0: ahead
	without time.Time // since when it has had no place; now if it wants none
}

const (
	// balanceTerm is the time after which about a third of a balance is left.
	balanceTerm = time.Minute
	// groupsEvery is how often groups are computed: workers come and go.
	groupsEvery = time.Second
	// countEvery is how often time is divided: with many jobs, calls arrive all the time.
	countEvery = 20 * time.Millisecond
	// longestLook is the longest time that is divided at once: who had which places in
	// longer gaps between calls is unknown.
	longestLook = time.Second
	// slack is how much of its part a job may be ahead or behind before visits end early.
	slack = time.Second
	// makeUp is the time within which a job makes up for what it is behind.
	makeUp = 10 * time.Second
	// rounding is how much parts that are whole numbers may lose in the computation.
	rounding = 1e-9
	// placeless is how long a job counts that wants places and gets none. After that, it
	// must lack something else, such as a worker that can keep its pages.
	placeless = 30 * time.Second
)

func newShares() *shares { return &shares{now: time.Now, jobs: make(map[string]*account)} }

// leave removes a job that needs nothing. The others share its balance, so that the sum of
// all balances stays even.
func (s *shares) leave(job string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.jobs[job]
	if a == nil {
		return
	}
	delete(s.jobs, job)
	weights, others := 0, s.group(a.group)
	for _, other := range others {
		weights += other.weight
	}
	for _, other := range others {
		other.behind += a.behind * float64(other.weight) / float64(weights)
	}
}

// note records what a job needs.
func (s *shares) note(job string, n need) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.count(now)
	a := s.jobs[job]
	if a == nil {
		a = &account{name: job, without: now}
		s.jobs[job], s.grouped = a, time.Time{}
	}
	if a.open > 0 || n.open > 0 || a.visits == 0 {
		a.without = now
	}
	a.need = n
	s.regroup(now)
}

// count divides the time since its last call. s.mu is held.
func (s *shares) count(now time.Time) {
	since := now.Sub(s.counted)
	if since < countEvery {
		return
	}
	s.counted = now
	took := min(since, longestLook).Seconds()
	groups := make(map[string]bool, 1)
	for _, a := range s.jobs {
		if !groups[a.group] {
			groups[a.group] = true
			s.countGroup(s.rivals(&account{group: a.group}, now), took)
		}
	}
	for _, a := range s.jobs {
		a.behind *= math.Exp(-took / balanceTerm.Seconds())
	}
}

// countGroup divides what the jobs of a group had in the last took seconds.
func (s *shares) countGroup(rivals []*account, took float64) {
	left, weights := 0.0, 0
	for _, a := range rivals {
		left += float64(a.open)
		weights += a.weight
	}
	for _, a := range rivals { // those that need the least for their weight first
		part := min(float64(a.visits), left*float64(a.weight)/float64(weights))
		a.behind += (part - float64(a.open)) * took
		left -= part
		weights -= a.weight
	}
}

// allowed returns how many visits a job may have out, given how many the workers that serve
// it can run. A job that has had none for long is allowed one, however small its part.
func (s *shares) allowed(job string, weight, capacity int) int {
	if s == nil || capacity == 0 {
		return capacity
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, now := s.jobs[job], s.now()
	if a == nil {
		a = &account{name: job, need: need{weight: weight}, without: now}
	}
	a.weight = weight
	share := s.share(a, capacity, now)
	if share == 0 && now.Sub(a.without) > placeless/2 {
		return 1
	}
	return share
}

// surplus returns how many visits of a job should end early, because it holds places that
// other jobs should have now.
func (s *shares) surplus(job string, capacity int) int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, now := s.jobs[job], s.now()
	if a == nil || a.open == 0 {
		return 0
	}
	over := a.open - s.share(a, capacity, now)
	if over <= 0 {
		return 0
	}
	due, lacking, free := a.behind < -a.slack(), 0, capacity-a.open
	for _, other := range s.rivals(a, now) {
		free -= other.open
		if lacks := min(s.share(other, capacity, now), other.visits) - other.open; lacks > 0 {
			lacking += lacks
			due = due || other.behind > other.slack()
		}
	}
	if !due {
		return 0
	}
	return max(0, min(over, lacking-max(0, free)))
}

// slack returns by how many place-seconds a job may be ahead or behind.
func (a *account) slack() float64 { return a.part * slack.Seconds() }

// share returns how many places a job should have now, if it can use them. This is max-min
// fairness by weight: a job that needs less than its part gets what it needs, and the rest
// is divided among the others, and so on. What jobs have to make up for is added. s.mu is
// held.
func (s *shares) share(a *account, capacity int, now time.Time) int {
	all, weights := s.rivals(a, now), a.weight
	for _, r := range all {
		weights += r.weight
	}
	left := capacity
	for len(all) > 0 && all[0].visits*weights <= left*all[0].weight { // needs no more than its part
		left -= all[0].visits
		weights -= all[0].weight
		all = all[1:]
	}
	a.part = float64(left*a.weight) / float64(weights)
	all = append(all, a)
	due := make([]float64, len(all))
	spare := float64(left)
	for i, r := range all {
		due[i] = r.due(float64(left*r.weight) / float64(weights))
		if r != a { // a is assumed to need all it can get
			due[i] = min(due[i], float64(r.visits))
		}
		spare -= due[i]
	}
	over, before, own := left, 0, 0 // places left over by rounding down; jobs that get one of them first
	for i, r := range all {
		whole := max(0, int(math.Floor(due[i]+spare*float64(r.weight)/float64(weights)+rounding)))
		over -= whole
		if r == a {
			own = whole
		} else if r.first(a) {
			before++
		}
	}
	if before < over {
		own++
	}
	return min(own, left)
}

// due returns how many places a job should have to make up, within some seconds, for what
// it is behind or ahead: between half its part and one and a half times its part.
func (a *account) due(part float64) float64 {
	return part + max(-part/2, min(part/2, a.behind/makeUp.Seconds()))
}

// first reports whether a gets a leftover place before other does: it is further behind for
// its weight or, if both are equal, heavier.
func (a *account) first(other *account) bool {
	return cmp.Or(cmp.Compare(other.behind/float64(other.weight), a.behind/float64(a.weight)),
		cmp.Compare(other.weight, a.weight), cmp.Compare(a.name, other.name)) < 0
}

// rivals lists the other jobs of the group that need visits and can have them, those that
// need the least for their weight first. s.mu is held.
func (s *shares) rivals(of *account, now time.Time) (all []*account) {
	for _, a := range s.group(of.group) {
		if a.name != of.name && a.visits > 0 && now.Sub(a.without) < placeless {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *account) int {
		return cmp.Or(cmp.Compare(a.visits*b.weight, b.visits*a.weight), cmp.Compare(a.name, b.name))
	})
	return all
}

// group lists the jobs of a group. s.mu is held.
func (s *shares) group(name string) (all []*account) {
	for _, a := range s.jobs {
		if a.group == name {
			all = append(all, a)
		}
	}
	return all
}

// regroup computes which jobs share places. s.mu is held.
func (s *shares) regroup(now time.Time) {
	if s.workers == nil || now.Sub(s.grouped) < groupsEvery {
		return
	}
	s.grouped = now
	links := make(map[string]string) // from a name to another one of its group
	root := func(name string) string {
		for links[name] != "" {
			name = links[name]
		}
		return name
	}
	for _, job := range slices.Sorted(maps.Keys(s.jobs)) {
		for _, worker := range s.workers(job) {
			if from, to := root("job "+job), root("worker "+worker); from != to {
				links[from] = to
			}
		}
	}
	for job, a := range s.jobs {
		a.group = root("job " + job)
	}
}
