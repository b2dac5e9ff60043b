package latency

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestQuantilesAreAccurateToAFifth(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		var h Histogram
		times := make([]time.Duration, 1+random.IntN(200))
		most := time.Duration(2+random.IntN(20_000)) * time.Millisecond
		for i := range times {
			times[i] = time.Millisecond + time.Duration(random.Int64N(int64(most)))
			h.Add(times[i])
		}
		slices.Sort(times)
		for _, q := range []float64{0.5, 0.95} {
			exact := times[max(0, int(float64(len(times))*q+0.999999)-1)]
			if got := h.Quantile(q); float64(got) < 0.8*float64(exact) || float64(got) > 1.21*float64(exact) {
				t.Errorf("of %d times up to %v, the quantile %v is %v, want about %v", len(times), most, q, got, exact)
			}
		}
	}
}

func TestTimesBeyondTheRangesAreCountedInTheLastOnes(t *testing.T) {
	t.Parallel()
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("no times have the median %v", got)
	}
	h.Add(0)
	h.Add(time.Hour)
	if h[0] != 1 || h[buckets-1] != 1 {
		t.Errorf("the counts are %v", h)
	}
}

func TestRecentTimesWeighMore(t *testing.T) {
	t.Parallel()
	var h Histogram
	for range 10_000 {
		h.Add(10 * time.Millisecond)
	}
	for range 500 {
		h.Add(time.Second)
	}
	if got := h.Quantile(0.5); got < 800*time.Millisecond {
		t.Errorf("after 500 slow responses the median is %v", got)
	}
}

func TestAHistogramIsPackedInFewBytes(t *testing.T) {
	t.Parallel()
	var h Histogram
	if h.Pack() != "" || Unpack("") != h {
		t.Error("no times take space")
	}
	h.Add(30 * time.Millisecond)
	h.Add(40 * time.Millisecond)
	packed := h.Pack()
	if len(packed) > 4 || Unpack(packed) != h {
		t.Errorf("two times are packed as %q, and unpacked as %v", packed, Unpack(packed))
	}
	for _, garbage := range []string{"\xff\x01", strings.Repeat("\x01", buckets+2)} {
		if got := Unpack(garbage); got != (Histogram{}) {
			t.Errorf("%q is unpacked as %v", garbage, got)
		}
	}
}
