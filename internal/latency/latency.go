// Package latency keeps how long the recent responses of a host took, in a few bytes.
package latency

import (
	"math"
	"time"
)

// buckets is how many ranges of times there are. Each is √2 times as long as the one before; the
// first ends at 1.4 ms, and the last at a minute.
const buckets = 32

// Histogram counts times in ranges. Adding to it takes constant time. When a count is full, all
// are halved, so that recent times weigh more than old ones. The zero value has none.
type Histogram [buckets]byte

// Add counts a time.
func (h *Histogram) Add(d time.Duration) {
	i := bucketOf(d)
	if h[i] == math.MaxUint8 {
		for j := range h {
			h[j] /= 2
		}
	}
	h[i]++
}

// bucketOf returns the range of a time.
func bucketOf(d time.Duration) int {
	if d <= time.Millisecond {
		return 0
	}
	return min(int(2*math.Log2(float64(d)/float64(time.Millisecond))), buckets-1)
}

// Quantile returns a time that the share q of the times, from 0 to 1, does not exceed; 0 if there
// are none. It is accurate to a fifth.
func (h Histogram) Quantile(q float64) time.Duration {
	total := 0
	for _, n := range h {
		total += int(n)
	}
	if total == 0 {
		return 0
	}
	wanted, sum := max(1, int(math.Ceil(q*float64(total)))), 0
	i := 0
	for ; i < buckets-1; i++ {
		if sum += int(h[i]); sum >= wanted {
			break
		}
	}
	middle := math.Exp2((float64(i) + 0.5) / 2) // of the range, as a factor
	return time.Duration(middle * float64(time.Millisecond)).Round(100 * time.Microsecond)
}

// Pack encodes h in as many bytes as it spans ranges, and one; "" if it has no times.
func (h Histogram) Pack() string {
	first, last := -1, -1
	for i, n := range h {
		if n > 0 {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return ""
	}
	return string(append([]byte{byte(first)}, h[first:last+1]...))
}

// Unpack decodes what Pack encoded. What it did not encode has no times.
func Unpack(packed string) (h Histogram) {
	if packed == "" || int(packed[0])+len(packed)-1 > buckets {
		return Histogram{}
	}
	copy(h[packed[0]:], packed[1:])
	return h
}
