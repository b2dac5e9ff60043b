package recrawl

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"
)

var epoch = time.Unix(1_700_000_000, 0)

const day = 24 * time.Hour

// fetched is a page after its first fetch.
func fetched(prior Prior) State { return State{}.Observe(epoch, false, prior) }

func TestStatesPackIntoTwelveBytes(t *testing.T) {
	t.Parallel()
	roundTrip := func(s State) bool {
		b := s.Append(nil)
		got, err := Parse(b)
		return len(b) == Size && err == nil && got == s
	}
	if err := quick.Check(roundTrip, nil); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, Size - 1, Size + 1} {
		if _, err := Parse(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are read as a state", n)
		}
	}
}

func TestImportanceKeepsItsValueWithinAStep(t *testing.T) {
	t.Parallel()
	for _, want := range []float64{0.01, 0.5, 1, 2, 5, 1000} {
		got := State{Importance: Importance(want)}.Weight()
		if math.Abs(math.Log(got/want)) > 0.5/importanceSteps+1e-9 {
			t.Errorf("an importance of %g is kept as %g", want, got)
		}
	}
	if Importance(1) != 0 {
		t.Errorf("an importance of 1 is %d, not the zero value", Importance(1))
	}
	least := State{Importance: Importance(0)}.Weight()
	for _, v := range []float64{-1, math.NaN(), math.Inf(-1)} {
		if got := (State{Importance: Importance(v)}).Weight(); got != least {
			t.Errorf("an importance of %g is kept as %g, not as the least, %g", v, got, least)
		}
	}
}

func TestTheFirstFetchTakesThePrior(t *testing.T) {
	t.Parallel()
	prior := Prior{Changes: 100, Days: 1000}
	s := fetched(prior)
	if got := s.ChangesPerDay(); math.Abs(math.Log(got/prior.perDay())) > 1.0/rateSteps {
		t.Errorf("a new page has %g changes a day, its pattern %g", got, prior.perDay())
	}
	if s.Flags != 0 || int64(s.Last) != epoch.Unix() {
		t.Errorf("after its first fetch a page is %+v", s)
	}
}

// poisson lets a page change at a rate a day, and fetches it at gaps.
func poisson(random *rand.Rand, perDay float64, fetches int, prior Prior, gap func() time.Duration) State {
	s := fetched(prior)
	at := epoch
	for range fetches {
		g := gap()
		at = at.Add(g)
		changed := random.Float64() < -math.Expm1(-perDay*g.Hours()/24)
		s = s.Observe(at, changed, prior)
	}
	return s
}

func TestRatesAreLearnedFromVisitsRegularAndIrregular(t *testing.T) {
	t.Parallel()
	for _, perDay := range []float64{0.03, 0.3, 3} {
		usual := time.Duration(float64(day) / perDay)
		gaps := map[string]func(*rand.Rand) time.Duration{
			"regular":   func(*rand.Rand) time.Duration { return usual },
			"often":     func(*rand.Rand) time.Duration { return usual / 10 },
			"irregular": func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(usual)) },
		}
		for name, gap := range gaps {
			random := rand.New(rand.NewPCG(1, uint64(perDay*100)))
			prior := Prior{Changes: 20, Days: float32(60 / perDay)} // wrong by a factor of three
			var mean float64
			const pages = 40
			for range pages {
				s := poisson(random, perDay, 300, prior, func() time.Duration { return gap(random) })
				mean += s.ChangesPerDay() / pages
			}
			if math.Abs(math.Log(mean/perDay)) > 0.3 {
				t.Errorf("%s visits: %g changes a day are learned as %.3g", name, perDay, mean)
			}
		}
	}
}

func TestAChangeRaisesTheRateAndNoneLowersIt(t *testing.T) {
	t.Parallel()
	property := func(shape, scale, gap uint16) bool {
		b := belief{shape: 0.0625 + float64(shape)/2000, scale: 1 + float64(scale)*float64(scale)}
		g := 1 + float64(gap)*float64(gap)/100
		less, more, exact := b.unchanged(g), b.changedWithin(g), b.changedAt(g)
		return less.mean() < b.mean() && more.mean() >= b.mean()*(1-1e-9) && more.mean() <= (b.shape+1)/b.scale &&
			exact.mean() > less.mean() && more.shape > 0 && more.scale > 0
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 20000}); err != nil {
		t.Error(err)
	}
}

func TestAClockThatJumpsTeachesNothingAbsurd(t *testing.T) {
	t.Parallel()
	s := fetched(Prior{})
	back := s.Observe(epoch.Add(-100*day), true, Prior{})
	if back.ChangesPerDay() != s.ChangesPerDay() || int64(back.Last) != epoch.Add(-100*day).Unix() {
		t.Errorf("a fetch before the last one makes of %+v %+v", s, back)
	}
	ahead := s.Observe(epoch.Add(40*365*day), false, Prior{})
	within := s.Observe(epoch.Add(400*day), false, Prior{})
	if math.Abs(math.Log(ahead.ChangesPerDay()/within.ChangesPerDay())) > 2.0/rateSteps {
		t.Errorf("forty years without a change leave %g changes a day, 400 days %g",
			ahead.ChangesPerDay(), within.ChangesPerDay())
	}
	for _, at := range []time.Time{time.Unix(-5, 0), {}, time.Unix(1<<40, 0)} {
		if got := s.Observe(at, true, Prior{}); got.Last == 0 {
			t.Errorf("a fetch at %v makes a page new", at)
		}
	}
}

func TestSmallStepsAreNotLostInRounding(t *testing.T) {
	t.Parallel()
	// A page that changes once in a hundred days is looked at 24 times a day: each look changes the
	// mean by far less than a step of its scale.
	random := rand.New(rand.NewPCG(7, 7))
	s := poisson(random, 0.01, 24*2000, Prior{}, func() time.Duration { return time.Hour })
	if got := s.ChangesPerDay(); got < 0.004 || got > 0.025 {
		t.Errorf("0.01 changes a day are learned as %g", got)
	}
}

func TestSignalsAreKeptUntilTheNextFetch(t *testing.T) {
	t.Parallel()
	s := fetched(Prior{})
	const threshold = 86400
	if got := s.Signal(0.1); !got.Flags.Has(Signalled) ||
		!got.Due(threshold, time.Minute, 60*day).Equal(s.Due(threshold, time.Minute, 60*day)) {
		t.Errorf("a signal that is hardly ever right makes of %+v %+v, due at another time", s, got)
	}
	if got := (State{}).Signal(1); got != (State{}) {
		t.Errorf("a signal about a page that is not known makes it %+v", got)
	}
	signalled := s.Signal(0.7)
	if !signalled.Flags.Has(Signalled) || signalled.precision() != 2.0/3 {
		t.Errorf("a signal of precision 0.7 is kept as %v, %g", signalled.Flags, signalled.precision())
	}
	if got := signalled.Signal(0.3); got != signalled {
		t.Errorf("a weaker signal makes of %+v %+v", signalled, got)
	}
	at := epoch.Add(10 * day)
	if got, want := signalled.Fresh(at), s.Fresh(at)/3; math.Abs(got-want) > 1e-12 {
		t.Errorf("with a signal, the page is fresh with %g, want %g", got, want)
	}
	if got := signalled.Observe(at, true, Prior{}); got.Flags != 0 {
		t.Errorf("after the fetch, flags are %08b, want none", got.Flags)
	}
}

func FuzzStatesStayWithinBounds(f *testing.F) {
	f.Add([]byte("123456789012"), int64(1_700_000_000), true, 10.0, 1000.0, 1.0)
	f.Add(make([]byte, Size), int64(0), false, 0.0, 0.0, 0.0)
	f.Add([]byte("000000000000"), int64(0), false, 0.0, -59.0, 0.0)
	f.Fuzz(func(t *testing.T, packed []byte, unix int64, changed bool, changes, days, threshold float64) {
		s, err := Parse(packed)
		if err != nil {
			return
		}
		at := time.Unix(unix%(1<<34), 0)
		prior := Prior{Changes: float32(changes), Days: float32(days)}
		next := s.Observe(at, changed, prior)
		if learned := prior.Learn(s, at, changed); !learned.valid() {
			t.Errorf("%+v learns %+v", prior, learned)
		}
		for _, s := range []State{s, next, next.Signal(1)} {
			later := at.Add(time.Hour)
			v, w, fresh, rate := s.Value(at), s.Value(later), s.Fresh(later), s.ChangesPerDay()
			if !(v >= 0) || !(w >= v*(1-1e-9)) || math.IsInf(w, 0) {
				t.Errorf("%+v has the value %g, and %g an hour later", s, v, w)
			}
			if !(fresh >= 0 && fresh <= 1) || !(rate > 0) || math.IsInf(rate, 0) {
				t.Errorf("%+v is fresh with %g, and changes %g times a day", s, fresh, rate)
			}
			last := time.Unix(int64(s.Last), 0)
			due := s.Due(threshold, time.Minute, 60*day)
			if gap := due.Sub(last); s.Last > 0 && (gap < time.Minute || gap > 60*day) {
				t.Errorf("%+v is due %v after its last fetch", s, gap)
			}
			if s.Cell() >= Cells {
				t.Errorf("%+v is in cell %d of %d", s, s.Cell(), Cells)
			}
		}
	})
}
