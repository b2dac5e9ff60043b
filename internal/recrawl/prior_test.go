package recrawl

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestPriorsLearnTheMeanRateOfTheirPages(t *testing.T) {
	t.Parallel()
	for _, perDay := range []float64{0.003, 0.05, 2} {
		random := rand.New(rand.NewPCG(3, 3))
		var p Prior
		for range 200 { // pages of rates that differ by far, with this mean
			rate := perDay * random.ExpFloat64() * random.ExpFloat64()
			s, at := fetched(p), epoch
			for range 50 {
				gap := time.Duration((0.1 + random.ExpFloat64()) * float64(day) / perDay / 4)
				at = at.Add(gap)
				changed := random.Float64() < -math.Expm1(-rate*gap.Hours()/24)
				p = p.Learn(s, at, changed)
				s = s.Observe(at, changed, p)
			}
		}
		if got := p.perDay(); math.Abs(math.Log(got/perDay)) > 0.5 {
			t.Errorf("pages of %g changes a day teach %g", perDay, got)
		}
	}
}

func TestPriorsOfWorkersAddUp(t *testing.T) {
	t.Parallel()
	a, b := Prior{Changes: 10, Days: 100}, Prior{Changes: 30, Days: 200}
	if got := a.Merge(b); got != (Prior{Changes: 40, Days: 300}) || got != b.Merge(a) {
		t.Errorf("%+v and %+v are %+v", a, b, got)
	}
	much := Prior{Changes: 900, Days: 9000}.Merge(Prior{Changes: 900, Days: 9000})
	if math.Abs(float64(much.Changes-priorMemory)) > 0.1 || math.Abs(much.perDay()-0.1) > 0.001 {
		t.Errorf("what is too much to remember becomes %+v", much)
	}
}

func TestAPatternThatIsHardlyKnownFollowsItsHost(t *testing.T) {
	t.Parallel()
	host := Prior{Changes: 1000, Days: 1000}
	if got := (Prior{}).Within(host).perDay(); got < 0.5 || got > 1 {
		t.Errorf("a new pattern of a host of one change a day has %g", got)
	}
	known := Prior{Changes: 500, Days: 50000}
	if got := known.Within(host).perDay(); math.Abs(got-0.01) > 0.001 {
		t.Errorf("a pattern of a change in 100 days has %g a day within its host", got)
	}
	for _, p := range []Prior{{}, {Changes: float32(math.NaN())}, {Changes: -1}, {Days: float32(math.Inf(1))}} {
		if got := p.Within(p).Merge(p).perDay(); !(got > 0) || math.IsInf(got, 0) {
			t.Errorf("%+v stands for %g changes a day", p, got)
		}
	}
}

func TestPriorsAndSignalsAreKeptAsBytes(t *testing.T) {
	t.Parallel()
	p := Prior{Changes: 12.5, Days: 340}
	if got, err := ParsePrior(p.Append(nil)); err != nil || got != p {
		t.Errorf("%+v is read as %+v, %v", p, got, err)
	}
	g := Signals{3, 4}
	if got, err := ParseSignals(g.Append(nil)); err != nil || got != g {
		t.Errorf("%+v is read as %+v, %v", g, got, err)
	}
	for _, b := range [][]byte{
		nil, make([]byte, 3), Prior{Changes: float32(math.NaN())}.Append(nil), Prior{Changes: -1}.Append(nil),
	} {
		if got, err := ParsePrior(b); err == nil {
			t.Errorf("% x is read as %+v", b, got)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 13), Signals{Wrong: -1}.Append(nil)} {
		if got, err := ParseSignals(b); err == nil {
			t.Errorf("% x is read as %+v", b, got)
		}
	}
}

func TestSignalsThatLieLoseTrust(t *testing.T) {
	t.Parallel()
	var g Signals
	if got := g.Precision(); got != 0.5 {
		t.Errorf("signals of which nothing is known are right in %g of cases", got)
	}
	for range 300 {
		g = g.Observe(true, true)
	}
	if got := g.Precision(); got < 0.99 {
		t.Errorf("signals that were always right are trusted in %g of cases", got)
	}
	for range 600 {
		g = g.Observe(true, false)
	}
	if got := g.Precision(); got > 0.1 {
		t.Errorf("signals that lie since long are trusted in %g of cases", got)
	}
}
