package scheduler

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// demand is a job's demand for visits.
type demand struct {
	name   string
	weight int
	visits int // wanted in total
}

func (s *shares) noteAll(demands []demand) {
	for _, c := range demands {
		s.note(c.name, need{weight: c.weight, visits: c.visits})
	}
}

func TestTheFleetIsDividedByWeightAndDemand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		capacity int
		demands  []demand
		want     []int
	}{
		{"one job has all places", 10, []demand{{"a", 1, 3}}, []int{10}},
		{"two jobs with unlimited demand", 8, []demand{{"a", 1, 99}, {"b", 3, 99}}, []int{2, 6}},
		{"shares that are not whole numbers", 10, []demand{{"a", 1, 99}, {"b", 3, 99}}, []int{2, 8}},
		{"a job that needs less than its share", 10, []demand{{"a", 3, 2}, {"b", 1, 99}}, []int{8, 8}},
		{"an unused share is divided among the others", 9,
			[]demand{{"a", 1, 1}, {"b", 1, 99}, {"c", 1, 99}}, []int{3, 4, 4}},
		{"a satisfied demand leaves its rest to the others", 12,
			[]demand{{"a", 1, 1}, {"b", 1, 4}, {"c", 1, 99}}, []int{4, 6, 7}},
		{"an idle job keeps its claim to its share", 10, []demand{{"a", 1, 0}, {"b", 1, 99}}, []int{5, 10}},
		{"more jobs than places", 2, []demand{{"a", 1, 9}, {"b", 1, 9}, {"c", 1, 9}, {"d", 1, 9}}, []int{1, 1, 0, 0}},
		{"a light job next to a heavy one", 10, []demand{{"a", 1, 5}, {"b", 1000, 9999}}, []int{0, 10}},
		{"no workers", 0, []demand{{"a", 1, 5}}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShares()
			s.noteAll(c.demands)
			for i, job := range c.demands {
				if got := s.allowed(job.name, job.weight, c.capacity); got != c.want[i] {
					t.Errorf("%s may have %d visits, want %d", job.name, got, c.want[i])
				}
			}
		})
	}
}

// simulation is a fleet whose jobs want all places, in steps of a tenth of a second. Each job has
// its own scheduler, and another one in a second process, which started later.
type simulation struct {
	t       *testing.T
	now     time.Time
	places  int
	demands []demand
	lasts   func(job string) time.Duration // the duration of a visit
	random  *rand.Rand
	shares  [2]*shares
	armed   map[string]int
	open    map[string][]*simulatedVisit
	had     map[string]float64 // place-seconds
}

type simulatedVisit struct{ ends, told time.Time }

const simulationStep = 100 * time.Millisecond

func newSimulation(t *testing.T, places int, demands []demand, lasts func(job string) time.Duration) *simulation {
	p := &simulation{
		t: t, now: time.Unix(1_800_000_000, 0), places: places, demands: demands, lasts: lasts,
		random: rand.New(rand.NewPCG(1, 2)),
		armed:  make(map[string]int), open: make(map[string][]*simulatedVisit), had: make(map[string]float64),
	}
	for i := range p.shares {
		p.shares[i] = newShares()
		p.shares[i].now = func() time.Time { return p.now }
	}
	return p
}

// step advances the time by a tenth of a second.
func (p *simulation) step(schedulers int) {
	for _, c := range p.demands {
		p.open[c.name] = slices.DeleteFunc(p.open[c.name], func(v *simulatedVisit) bool { return !v.ends.After(p.now) })
	}
	for _, s := range p.shares[:schedulers] {
		for _, c := range p.demands {
			out := p.armed[c.name] + len(p.open[c.name])
			s.note(c.name, need{weight: c.weight, visits: c.visits, open: len(p.open[c.name])})
			p.recall(p.open[c.name], s.surplus(c.name, p.places))
			p.armed[c.name] += max(0, min(c.visits, s.allowed(c.name, c.weight, p.places))-out)
		}
	}
	p.fill()
	for _, c := range p.demands {
		p.had[c.name] += float64(len(p.open[c.name])) * simulationStep.Seconds()
	}
	p.now = p.now.Add(simulationStep)
}

// recall tells visits to end. They do so within two seconds.
func (p *simulation) recall(open []*simulatedVisit, n int) {
	for _, v := range open {
		if !v.told.IsZero() {
			n--
		}
	}
	for _, v := range open {
		if n > 0 && v.told.IsZero() {
			v.told = p.now
			if ends := p.now.Add(time.Duration(p.random.Int64N(int64(2 * time.Second)))); ends.Before(v.ends) {
				v.ends = ends
			}
			n--
		}
	}
}

// fill starts enqueued visits in random order.
func (p *simulation) fill() {
	free := p.places
	var waiting []string
	for _, c := range p.demands {
		free -= len(p.open[c.name])
		waiting = append(waiting, slices.Repeat([]string{c.name}, p.armed[c.name])...)
	}
	p.random.Shuffle(len(waiting), func(i, j int) { waiting[i], waiting[j] = waiting[j], waiting[i] })
	for _, job := range waiting[:min(free, len(waiting))] {
		p.armed[job]--
		p.open[job] = append(p.open[job], &simulatedVisit{ends: p.now.Add(p.lasts(job))})
	}
}

// minute simulates a minute and returns the place-seconds of each job in it.
func (p *simulation) minute(schedulers int) map[string]float64 {
	clear(p.had)
	for range int(time.Minute / simulationStep) {
		p.step(schedulers)
	}
	return maps.Clone(p.had)
}

// Within each minute, the places are divided by weight, to a tenth of a job's share (or three
// place-seconds, the time for a recalled visit to end), for all durations of visits and numbers of
// places.
func TestPlacesAreDividedByWeightWithinAMinute(t *testing.T) {
	t.Parallel()
	for _, fleet := range []struct {
		weights []int
		places  []int
	}{{[]int{1, 3}, []int{2, 6, 7, 100}}, {[]int{1, 2, 4}, []int{5, 18}}} {
		weights := fleet.weights
		for _, places := range fleet.places {
			for name, lasts := range map[string]func(string) time.Duration{
				"30s": func(string) time.Duration { return 30 * time.Second },
				"1s":  func(string) time.Duration { return time.Second },
				"30s and 1s": func(job string) time.Duration {
					return map[bool]time.Duration{true: 30, false: 1}[job == "job0"] * time.Second
				},
			} {
				t.Run(fmt.Sprintf("%v of %d places, visits of %s", weights, places, name), func(t *testing.T) {
					t.Parallel()
					var demands []demand
					sum := 0
					for i, w := range weights {
						demands = append(demands, demand{fmt.Sprint("job", i), w, 10_000})
						sum += w
					}
					p := newSimulation(t, places, demands[:1], lasts)
					p.minute(1) // the only job has all places
					p.demands = demands
					for minute := range 5 {
						schedulers := 1 + min(1, minute/3) // the second process soon agrees with the first
						had := p.minute(schedulers)
						for _, c := range demands {
							part := float64(places*60*c.weight) / float64(sum)
							if minute != 3 && math.Abs(had[c.name]-part) > max(3, 0.1*part) {
								t.Errorf("minute %d: %s had %.0f place-seconds, want %.0f, to a tenth", minute, c.name,
									had[c.name], part)
							}
						}
					}
				})
			}
		}
	}
}

// A job that needs less than its share gains no credit, and one that cannot use its places does not
// block them for long.
func TestUnusedSharesGoToTheOtherJobs(t *testing.T) {
	t.Parallel()
	p := newSimulation(t, 6, []demand{{"small", 1, 1}, {"large", 1, 10_000}},
		func(string) time.Duration { return 30 * time.Second })
	if had := p.minute(1); had["small"] < 58 || had["large"] < 295 {
		t.Errorf("the jobs had %v place-seconds, want 60 and 300", had)
	}
	s, now := newShares(), time.Unix(1_800_000_000, 0)
	s.now = func() time.Time { return now }
	for range 100 {
		now = now.Add(time.Second)
		s.note("stuck", need{weight: 1, visits: 10})
		s.note("large", need{weight: 1, visits: 10, open: 6})
	}
	if allowed, surplus := s.allowed("large", 1, 6), s.surplus("large", 6); allowed != 6 || surplus != 0 {
		t.Errorf("next to a job without workers, the job may have %d of 6 places and must return %d", allowed,
			surplus)
	}
	if allowed := s.allowed("stuck", 1, 6); allowed < 1 {
		t.Errorf("the job without workers may have %d visits enqueued, want some for a future worker",
			allowed)
	}
}

// Jobs without a common worker do not share places. A worker that serves several jobs links them.
func TestJobsOnlySharePlacesOfCommonWorkers(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	s, workers := newShares(), map[string][]string{"a": {"one"}, "b": {"two"}, "c": {"two", "three"}}
	s.now = func() time.Time { return now }
	s.workers = func(job string) []string { return workers[job] }
	demands := []demand{{"a", 1, 99}, {"b", 1, 99}, {"c", 1, 99}}
	allowed := func() (all []int) {
		s.noteAll(demands)
		for _, c := range demands {
			all = append(all, s.allowed(c.name, c.weight, 6))
		}
		return all
	}
	if got := allowed(); !slices.Equal(got, []int{6, 3, 3}) {
		t.Errorf("of 6 places each, the jobs may have %v visits", got)
	}
	workers["a"] = []string{"one", "three"}
	now = now.Add(groupsEvery)
	if got := allowed(); !slices.Equal(got, []int{2, 2, 2}) {
		t.Errorf("linked by a worker, the jobs may have %v visits", got)
	}
}

func TestTheOthersGetThePlacesOfAnEndedJob(t *testing.T) {
	t.Parallel()
	s := newShares()
	s.noteAll([]demand{{"a", 1, 99}, {"b", 1, 99}})
	s.leave("b")
	if got := s.allowed("a", 1, 10); got != 10 {
		t.Errorf("the remaining job may have %d visits, want 10", got)
	}
	var none *shares
	none.note("a", need{})
	none.leave("a")
	if got := none.allowed("a", 1, 10); got != 10 {
		t.Errorf("the only job may have %d visits, want 10", got)
	}
}

// TestJobsWithUnlimitedDemandShareTheWholeFleet tries all divisions of a fleet among jobs that want
// all of it.
func TestJobsWithUnlimitedDemandShareTheWholeFleet(t *testing.T) {
	t.Parallel()
	for capacity := 1; capacity <= 40; capacity++ {
		for _, weights := range [][]int{{1, 1}, {1, 3}, {1, 2, 4}, {5, 5, 5, 1}, {1, 1, 1, 1, 1, 1, 1}} {
			s := newShares()
			var demands []demand
			sum := 0
			for i, w := range weights {
				demands = append(demands, demand{fmt.Sprint("job", i), w, 1000})
				sum += w
			}
			s.noteAll(demands)
			total := 0
			for _, c := range demands {
				got := s.allowed(c.name, c.weight, capacity)
				if part := float64(capacity*c.weight) / float64(sum); float64(got) < part-1 || float64(got) > part+1 {
					t.Errorf("of %d visits, a job of weight %d among %v may have %d, want about %.1f", capacity,
						c.weight, weights, got, part)
				}
				total += got
			}
			if total < capacity || total > max(capacity, len(weights))+len(weights)-1 {
				t.Errorf("of %d visits, jobs of weights %v may have %d", capacity, weights, total)
			}
		}
	}
}

func TestAHugeJobDoesNotStarveASmallOne(t *testing.T) {
	t.Parallel()
	huge, small := demand{"huge", 1000, 1 << 20}, demand{"small", 1, 20}
	p := newSimulation(t, 50, []demand{huge}, func(string) time.Duration { return 30 * time.Second })
	p.minute(1)
	p.demands = append(p.demands, small)
	joined := p.now
	for len(p.open["small"]) == 0 {
		if p.step(1); p.now.Sub(joined) > 5*time.Second {
			t.Fatal("the small job has no visit after five seconds")
		}
	}
	had := 0.0
	for range 10 {
		had += p.minute(1)["small"]
	}
	if part := 50.0 / 1001 * 600; had < part/2 {
		t.Errorf("in ten minutes the small job had %.0f place-seconds, want about %.0f", had, part)
	}
}
