package frontier

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// deepest is the largest depth that seen can hold, in two digits.
const deepest = 99

// depths describes how seen stores the depths of a job. The zero value is for a job in
// which depth decides nothing: it stores no depths and costs nothing.
type depths struct {
	farthest int // stands for this depth and all greater ones, which decide nothing; at most deepest
}

// depthsOf returns the depths of a job.
func depthsOf(job crawler.ScopeSettings) depths { return depths{min(job.DepthLimit()+1, deepest)} }

// kept reports whether depths are stored at all.
func (d depths) kept() bool { return d.farthest > 0 }

// of returns the stored form of a depth.
func (d depths) of(depth int) int { return min(depth, d.farthest) }

// digits returns how many digits at the end of a member are its depth.
func (d depths) digits() int {
	switch {
	case !d.kept():
		return 0
	case d.farthest < 10:
		return 1
	}
	return 2
}

// fingerprint returns what seen stores of a URL's key: 64 bits of its SHA-256, so that no
// one can construct a URL that hides another. Among n URLs, two have the same fingerprint
// with a probability of n²/2⁶⁵: 3 in a million for ten million URLs. If the digits of a
// depth follow, there is room for 61 or 57 bits: 3 in 100,000, or 3 in 10,000.
func (d depths) fingerprint(key string) int64 {
	sum := sha256.Sum256([]byte(key))
	fp := int64(binary.LittleEndian.Uint64(sum[:]))
	switch d.digits() {
	case 0:
		return fp
	case 1:
		fp /= 11 // not 10, so that any digit may follow
	case 2:
		fp /= 101
	}
	if fp == 0 {
		return 1 // digits after a zero would not make an integer in canonical form
	}
	return fp
}

// member returns the element of seen for a URL at a depth.
func (d depths) member(fp int64, depth int) string {
	b := strconv.AppendInt(make([]byte, 0, 20), fp, 10)
	depth = d.of(depth)
	if d.digits() == 2 {
		b = append(b, '0'+byte(depth/10))
	}
	if d.kept() {
		b = append(b, '0'+byte(depth%10))
	}
	return string(b)
}

// split returns the depth in a member that a script returned.
func (d depths) split(member string) (depth int, ok bool) {
	if len(member) <= d.digits() {
		return 0, false
	}
	depth, err := strconv.Atoi(member[len(member)-d.digits():])
	return depth, err == nil
}

// pick returns deep for a job whose depths are stored, and plain for any other.
func (d depths) pick(plain, deep *redis.Script) *redis.Script {
	if d.kept() {
		return deep
	}
	return plain
}

// args appends the last argument of the scripts that pick returns.
func (d depths) args(args []any) []any {
	if !d.kept() {
		return args
	}
	text := strconv.Itoa(d.farthest)
	return append(args, text)
}

// member returns the element of seen for a URL at a depth.
func (f *Frontier) member(u crawler.URL, depth int) string {
	return f.depths.member(f.depths.fingerprint(f.identity.Key(u)), depth)
}
