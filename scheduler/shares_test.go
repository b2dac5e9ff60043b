package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// claim is what a job asks of the fleet in a test.
type claim struct {
	name   string
	weight int
	visits int // wanted in all
}

func (s *shares) noteAll(claims []claim) {
	for _, c := range claims {
		s.note(c.name, need{weight: c.weight, visits: c.visits})
	}
}

func TestTheFleetIsDividedByWeightAndNeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		capacity int
		claims   []claim
		want     []int
	}{
		{"one job has it all", 10, []claim{{"a", 1, 3}}, []int{10}},
		{"two that want everything", 8, []claim{{"a", 1, 99}, {"b", 3, 99}}, []int{2, 6}},
		{"parts that are not whole", 10, []claim{{"a", 1, 99}, {"b", 3, 99}}, []int{2, 8}},
		{"what one does not need", 10, []claim{{"a", 3, 2}, {"b", 1, 99}}, []int{8, 8}},
		{"what one does not need is divided, and not given twice", 9,
			[]claim{{"a", 1, 1}, {"b", 1, 99}, {"c", 1, 99}}, []int{3, 4, 4}},
		{"a need that is met makes room for another's", 12,
			[]claim{{"a", 1, 1}, {"b", 1, 4}, {"c", 1, 99}}, []int{4, 6, 7}},
		{"one that needs nothing has its part when it comes", 10, []claim{{"a", 1, 0}, {"b", 1, 99}}, []int{5, 10}},
		{"more jobs than places", 2, []claim{{"a", 1, 9}, {"b", 1, 9}, {"c", 1, 9}, {"d", 1, 9}}, []int{1, 1, 1, 1}},
		{"a light one beside a heavy one", 10, []claim{{"a", 1, 5}, {"b", 1000, 9999}}, []int{1, 10}},
		{"no workers", 0, []claim{{"a", 1, 5}}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newShares()
			s.noteAll(c.claims)
			for i, job := range c.claims {
				if got := s.allowed(job.name, job.weight, c.capacity); got != c.want[i] {
					t.Errorf("%s may have %d visits out, want %d", job.name, got, c.want[i])
				}
			}
		})
	}
}

// Parts that are not whole are met over time: here visits last eight seconds, and a
// minute is looked at. Rounding alone would give 1 to 5 of six places.
func TestPartsThatAreNotWholeAreMetOverTime(t *testing.T) {
	t.Parallel()
	for _, places := range []int{5, 6, 7, 18} {
		now := time.Unix(1_800_000_000, 0)
		s := newShares()
		s.now = func() time.Time { return now }
		weights := map[string]int{"light": 1, "heavy": 3}
		ends, had := make(map[string][]time.Time), make(map[string]float64)
		const step, minutes = 250 * time.Millisecond, 2
		for now.Before(time.Unix(1_800_000_000, 0).Add(minutes * time.Minute)) {
			for _, job := range []string{"heavy", "light"} {
				ends[job] = slices.DeleteFunc(ends[job], func(end time.Time) bool { return !end.After(now) })
				s.note(job, need{weight: weights[job], visits: 1000, out: len(ends[job])})
				for len(ends["light"])+len(ends["heavy"]) < places && len(ends[job]) < s.allowed(job, weights[job], places) {
					lasts := 8 * time.Second
					if now.Equal(time.Unix(1_800_000_000, 0)) { // they do not all end at once
						lasts = time.Duration(len(ends[job])+1) * time.Second
					}
					ends[job] = append(ends[job], now.Add(lasts))
				}
				if !now.Before(time.Unix(1_800_000_000, 0).Add((minutes - 1) * time.Minute)) {
					had[job] += float64(len(ends[job])) * step.Seconds()
				}
			}
			now = now.Add(step)
		}
		if ratio := had["heavy"] / had["light"]; ratio < 2.5 || ratio > 3.5 {
			t.Errorf("with %d places, within a minute the visits are 1 to %.2f, want 1 to 3", places, ratio)
		}
	}
}

func TestAJobThatLeavesMakesRoom(t *testing.T) {
	t.Parallel()
	s := newShares()
	s.noteAll([]claim{{"a", 1, 99}, {"b", 1, 99}})
	s.leave("b")
	if got := s.allowed("a", 1, 10); got != 10 {
		t.Errorf("the job that is left may have %d visits out, want 10", got)
	}
	var none *shares
	none.note("a", need{})
	none.leave("a")
	if got := none.allowed("a", 1, 10); got != 10 {
		t.Errorf("a job alone may have %d visits out, want 10", got)
	}
}

// TestJobsThatWantEverythingShareTheWholeFleet tries every division of a fleet
// among jobs that want all of it.
func TestJobsThatWantEverythingShareTheWholeFleet(t *testing.T) {
	t.Parallel()
	for capacity := 1; capacity <= 40; capacity++ {
		for _, weights := range [][]int{{1, 1}, {1, 3}, {1, 2, 4}, {5, 5, 5, 1}, {1, 1, 1, 1, 1, 1, 1}} {
			s := newShares()
			var claims []claim
			sum := 0
			for i, w := range weights {
				claims = append(claims, claim{fmt.Sprint("job", i), w, 1000})
				sum += w
			}
			s.noteAll(claims)
			total := 0
			for _, c := range claims {
				got := s.allowed(c.name, c.weight, capacity)
				if part := float64(capacity*c.weight) / float64(sum); float64(got) < part-1 || float64(got) > part+1 {
					t.Errorf("of %d visits, a job of weight %d among %v may have %d, want about %.1f", capacity, c.weight, weights, got, part)
				}
				total += got
			}
			if total < capacity || total > max(capacity, len(weights))+len(weights)-1 {
				t.Errorf("of %d visits, jobs of weights %v may have %d", capacity, weights, total)
			}
		}
	}
}

// fleet plays a fleet in rounds. In each, every job enqueues what it may, as a
// scheduler does; then the places carry out what was enqueued first.
type fleet struct {
	shares *shares
	places int
	queue  []string // visits that are out, by job, the oldest first
	out    map[string]int
	done   map[string]int
	began  map[string]int // the round of the job's first visit
}

func (f *fleet) round(n int, claims []claim) {
	for _, c := range claims {
		wanted := c.visits - f.done[c.name]
		f.shares.note(c.name, need{weight: c.weight, visits: wanted})
		if f.out[c.name] >= wanted {
			continue
		}
		for f.out[c.name] < min(wanted, f.shares.allowed(c.name, c.weight, f.places)) {
			f.queue = append(f.queue, c.name)
			f.out[c.name]++
		}
	}
	carried := f.queue[:min(f.places, len(f.queue))]
	f.queue = f.queue[len(carried):]
	for _, job := range carried {
		if f.done[job]++; f.done[job] == 1 {
			f.began[job] = n
		}
		f.out[job]--
	}
}

func newFleet(places int) *fleet {
	return &fleet{newShares(), places, nil, make(map[string]int), make(map[string]int), make(map[string]int)}
}

func TestVisitsOfJobsThatWantEverythingAreInTheRatioOfTheirWeights(t *testing.T) {
	t.Parallel()
	for _, places := range []int{4, 10, 100} {
		f := newFleet(places)
		claims := []claim{{"light", 1, 1 << 20}, {"heavy", 3, 1 << 20}}
		for n := range 200 {
			f.round(n, claims)
		}
		heavy := float64(f.done["heavy"]) / 200 // a round
		if part := float64(places) * 3 / 4; heavy < part-1 || heavy > part+1 {
			t.Errorf("with %d places the visits are %d and %d, want about 1 to 3", places, f.done["light"], f.done["heavy"])
		}
		if sum := f.done["light"] + f.done["heavy"]; sum < 200*places*9/10 {
			t.Errorf("%d of %d places were used", sum, 200*places)
		}
	}
}

func TestASmallJobIsNotStarvedByAHugeOne(t *testing.T) {
	t.Parallel()
	f := newFleet(50)
	huge := claim{"huge", 1000, 1 << 20}
	for n := range 10 {
		f.round(n, []claim{huge})
	}
	small := claim{"small", 1, 20}
	for n := 10; f.done["small"] < small.visits; n++ {
		if n > 100 {
			t.Fatalf("after 90 rounds, %d of 20 visits of the small job are done", f.done["small"])
		}
		f.round(n, []claim{huge, small})
	}
	if wait := f.began["small"] - 10; wait > 1 {
		t.Errorf("the small job began after %d rounds, want at once", wait)
	}
}
