package recrawl

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestTheHistogramIsBounded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	h := Histogram{}
	for range 100_000 {
		s := State{Rate: int8(random.Uint32()), Knowledge: uint8(random.Uint32()), Importance: uint8(random.Uint32())}
		h[s.Cell()]++
	}
	if len(h) > Cells || h.Pages() != 100_000 || len(h.cells()) != len(h) {
		t.Errorf("%d pages are in %d cells, %d of which are read", h.Pages(), len(h), len(h.cells()))
	}
	twice := Histogram{}
	twice.Merge(h)
	twice.Merge(h)
	if got := twice.Pages(); got != 200_000 {
		t.Errorf("two shards of 100,000 pages have %d", got)
	}
	broken := Histogram{Cells: 5, 3: -7, 4: 1}
	if got := broken.Forecast(1, time.Minute, day); broken.Pages() != 1 || math.IsNaN(got.PerDay) {
		t.Errorf("a broken histogram has %d pages and %+v", broken.Pages(), got)
	}
}

func TestTheCellOfAPageIsLikeThePage(t *testing.T) {
	t.Parallel()
	for rate := math.MinInt8; rate <= math.MaxInt8; rate++ {
		for _, importance := range []float64{0.1, 1, 5} {
			s := State{Rate: int8(rate), Knowledge: uint8(rate + 128), Importance: Importance(importance)}
			c := Histogram{s.Cell(): 1}.cells()[0]
			if math.Abs(math.Log(c.belief.mean()/s.belief().mean())) > 0.3 ||
				math.Abs(math.Log(c.belief.shape/s.belief().shape)) > 0.41 ||
				math.Abs(math.Log(c.weight/s.Weight())) > 0.26 {
				t.Errorf("%+v has the cell %+v", s, c)
			}
		}
	}
}

func TestABudgetForFreshnessReachesIt(t *testing.T) {
	t.Parallel()
	h := Histogram{of(1).Cell(): 100, of(0.01).Cell(): 10_000, fetched(Prior{}).Cell(): 1000}
	last := 0.0
	for _, want := range []float64{0.5, 0.8, 0.95, 0.99} {
		perDay, reached := h.BudgetFor(want, time.Minute, 365*day)
		if !reached || perDay <= last {
			t.Errorf("%.0f %% fresh pages take %g fetches a day, %v; fewer take %g", 100*want, perDay, reached, last)
		}
		last = perDay
	}
	if perDay, reached := h.BudgetFor(0.99999, day, 365*day); reached || math.Abs(perDay-11_100) > 1 {
		t.Errorf("what cannot be reached takes %g fetches a day, %v; want one of each page", perDay, reached)
	}
	if got := (Histogram{}).Forecast(1, time.Minute, day); got != (Forecast{Fresh: 1}) {
		t.Errorf("no pages have %+v", got)
	}
}

// job is a job in virtual time: pages that change as a Poisson process, fetched when they are due
// and the threshold lets them.
type job struct {
	random    *rand.Rand
	pages     []page
	due       dueHeap
	now       time.Time
	threshold Threshold
	prior     Prior
	flow      Flow
	bank      float64 // known pages that may be fetched now
	fresh     float64 // the same of new ones
}

type page struct {
	state  State
	perDay float64
}

type dueHeap []dueAt
type dueAt struct {
	page int
	at   time.Time
}

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any          { last := (*h)[len(*h)-1]; *h = (*h)[:len(*h)-1]; return last }

func newJob(budget float64, rates ...float64) *job {
	j := &job{random: rand.New(rand.NewPCG(11, 11)), now: epoch}
	j.flow = Flow{Budget: budget, Shortest: 10 * time.Minute, Longest: 60 * day, Pages: Histogram{}}
	j.add(rates...)
	return j
}

func (j *job) add(rates ...float64) {
	for _, r := range rates {
		j.pages = append(j.pages, page{perDay: r})
		j.flow.Waiting++
	}
}

// tick is how far apart steps are.
const tick = 2 * time.Hour

// run lets time pass, and returns how many pages were fetched.
func (j *job) run(span time.Duration) float64 {
	before := j.flow.New + j.flow.Again
	for end := j.now.Add(span); j.now.Before(end); j.now = j.now.Add(tick) {
		j.flow.At, j.flow.Due = j.now, 0
		for _, d := range j.due {
			if !d.at.After(j.now) {
				j.flow.Due++
			}
		}
		j.threshold = j.threshold.Step(j.flow)
		for i := range j.due {
			j.due[i].at = j.dueAt(j.due[i].page)
		}
		heap.Init(&j.due)
		days := tick.Hours() / 24
		j.bank = min(j.bank+j.threshold.Again*days, 1+j.threshold.Again*days)
		j.fresh = min(j.fresh+j.threshold.New*days, 1+j.threshold.New*days)
		for ; j.bank >= 1 && len(j.due) > 0 && !j.due[0].at.After(j.now); j.bank-- {
			j.fetch(heap.Pop(&j.due).(dueAt).page)
			j.flow.Again++
		}
		for ; j.fresh >= 1 && j.flow.Waiting > 0; j.fresh-- {
			j.fetch(len(j.pages) - int(j.flow.Waiting))
			j.flow.New++
			j.flow.Waiting--
		}
	}
	return float64(j.flow.New + j.flow.Again - before)
}

func (j *job) dueAt(page int) time.Time {
	return j.pages[page].state.Due(j.threshold.Value, j.flow.Shortest, j.flow.Longest)
}

func (j *job) fetch(n int) {
	p := &j.pages[n]
	if p.state.Last > 0 {
		j.flow.Pages[p.state.Cell()]--
	}
	changed := j.random.Float64() < -math.Expm1(-p.perDay*p.state.gap(j.now)/86400)
	j.prior = j.prior.Learn(p.state, j.now, changed)
	p.state = p.state.Observe(j.now, changed, j.prior)
	j.flow.Pages[p.state.Cell()]++
	heap.Push(&j.due, dueAt{n, j.dueAt(n)})
}

// mixture returns change rates of pages, most of which never change.
func mixture(pages int) []float64 {
	random := rand.New(rand.NewPCG(2, 2))
	all := make([]float64, pages)
	for i := range all {
		if random.Float64() < 0.3 {
			all[i] = 0.02 * random.ExpFloat64() * random.ExpFloat64()
		}
	}
	return all
}

func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got/want-1) > share {
		t.Errorf("%s: %.0f pages were fetched, the budget is %.0f", what, got, want)
	}
}

func TestTheBudgetIsMetToWithinFivePercent(t *testing.T) {
	t.Parallel()
	const pages = 300
	for name, days := range map[string]float64{"once a day": 1, "once a week": 7, "once a month": 30} {
		budget := pages / days
		j := newJob(budget, mixture(pages)...)
		j.run(2 * day) // the first pages must become due
		for phase := range 3 {
			within(t, name, j.run(16*day), 16*budget, 0.05)
			if phase == 0 { // pages turn up, more than half as many as there were
				j.add(mixture(pages / 2)...)
			}
		}
	}
}

func TestAnotherBudgetIsMetWithinDays(t *testing.T) {
	t.Parallel()
	j := newJob(60, mixture(400)...)
	j.run(40 * day)
	j.flow.Budget = 20
	j.run(3 * day)
	within(t, "a third", j.run(10*day), 200, 0.05)
	j.flow.Budget = 180
	j.run(3 * day)
	within(t, "nine times as much", j.run(10*day), 1800, 0.05)
}

func TestPagesThatCannotBeFollowedStarveNone(t *testing.T) {
	t.Parallel()
	rates := mixture(300)
	for i := range 60 {
		rates[5*i] = 100
	}
	j := newJob(300.0/30, rates...)
	j.run(100 * day)
	gaps := map[bool]float64{}
	for _, p := range j.pages {
		gaps[p.perDay == 100] = max(gaps[p.perDay == 100], p.state.gap(j.now)/86400)
	}
	if gaps[true] > 61 || gaps[false] > 61 {
		t.Errorf("the longest time without a fetch is %.0f days for pages that cannot be followed, %.0f for others",
			gaps[true], gaps[false])
	}
}

func TestWhatHostsDoNotAllowIsNotMadeDue(t *testing.T) {
	t.Parallel()
	pages := Histogram{fetched(Prior{}).Cell(): 1000}
	flow := Flow{At: epoch, Budget: 100, Shortest: time.Minute, Longest: 60 * day, Pages: pages}
	threshold := Threshold{}.Step(flow)
	for range 1000 { // half of the budget is fetched, although more is due
		flow.At = flow.At.Add(time.Hour)
		flow.Again += 2
		flow.Due = 200
		next := threshold.Step(flow)
		if next.Value < threshold.Value {
			t.Fatalf("with a fifth of all pages due, the threshold falls from %g to %g", threshold.Value, next.Value)
		}
		threshold = next
	}
}

func TestABudgetOfNothingFetchesNothing(t *testing.T) {
	t.Parallel()
	for _, budget := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		got := Threshold{}.Step(Flow{At: epoch, Budget: budget, Pages: Histogram{of(1).Cell(): 5}, Waiting: 7})
		if got.Again != 0 || got.New != 0 || !math.IsInf(got.Value, 1) {
			t.Errorf("a budget of %g allows %+v", budget, got)
		}
	}
}

func TestABudgetThatIsTooLargeIsNotUsedUp(t *testing.T) {
	t.Parallel()
	j := newJob(1e6, 1, 1, 1)
	got := j.run(10 * day)
	if most := 3 * 10 * 24 * 6.0; got > most+3 {
		t.Errorf("three pages were fetched %.0f times in ten days, with an interval of ten minutes at least", got)
	}
}

func TestNewPagesGetTheirShareAndNoMore(t *testing.T) {
	t.Parallel()
	few := newPerDay(1000, 1e6, 10)
	many := newPerDay(1000, 1e5, 1e7)
	half := newPerDay(1000, 1e5, 1e5)
	first := newPerDay(1000, 0, 10)
	if few != 250 || many != 750 || half != 500 || first != 1000 {
		t.Errorf("new pages get %g, %g, %g and %g of 1000, want 250, 750, 500 and 1000", few, many, half, first)
	}
}

func TestClocksThatJumpDoNotUpsetTheBudget(t *testing.T) {
	t.Parallel()
	j := newJob(60, mixture(300)...)
	j.run(30 * day)
	calm := j.threshold.Value
	back := j.threshold.Step(Flow{At: j.now.Add(-1000 * day), Budget: 60, Shortest: time.Minute, Longest: 60 * day,
		Pages: j.flow.Pages, Again: j.flow.Again, New: j.flow.New})
	ahead := j.threshold.Step(Flow{At: j.now.Add(1000 * day), Budget: 60, Shortest: time.Minute, Longest: 60 * day,
		Pages: j.flow.Pages, Again: j.flow.Again, New: j.flow.New})
	for _, got := range []Threshold{back, ahead} {
		if got.Again > 120 || got.Again < 30 || got.Value < calm/50 || got.Value > calm*50 {
			t.Errorf("after a jump %+v, before it %+v", got, j.threshold)
		}
	}
	lost := j.threshold.Step(Flow{At: j.now.Add(time.Minute), Budget: 60, Shortest: time.Minute, Longest: 60 * day,
		Pages: j.flow.Pages})
	if lost.debt > j.threshold.debt {
		t.Errorf("counters that begin again add a debt of %g", lost.debt)
	}
}

func TestThresholdsAreKeptAsBytes(t *testing.T) {
	t.Parallel()
	j := newJob(60, mixture(300)...)
	j.run(10 * day)
	for _, want := range []Threshold{{}, {Value: math.Inf(1)}, j.threshold} {
		if got, err := ParseThreshold(want.Append(nil)); err != nil || got != want {
			t.Errorf("%+v is read as %+v, %v", want, got, err)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, ThresholdSize+1), Threshold{Value: math.NaN()}.Append(nil),
		Threshold{Again: math.Inf(1)}.Append(nil), Threshold{New: -1}.Append(nil)} {
		if got, err := ParseThreshold(b); err == nil {
			t.Errorf("% x is read as %+v", b, got)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	pages := make(Histogram)
	for i := range 6000 {
		s := fetched(Prior{})
		s.Rate, s.Knowledge = int8(i%150-75), uint8(i%190)
		pages[s.Cell()]++
	}
	flow := Flow{At: epoch, Budget: 200, Shortest: time.Minute, Longest: 60 * day, Pages: pages}
	t := Threshold{}.Step(flow)
	b.ReportMetric(float64(len(pages)), "cells")
	for b.Loop() {
		flow.At = flow.At.Add(time.Minute)
		t = t.Step(flow)
		pages.BudgetFor(0.95, time.Minute, 60*day)
	}
}
