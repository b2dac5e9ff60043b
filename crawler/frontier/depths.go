package frontier

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// deepest is the largest depth that seen can hold: two digits have room for it.
const deepest = 99

// depths says what seen holds of a job's depths. The zero value is for a job in
// which depth decides nothing: it holds none, and costs nothing.
type depths struct {
	farthest int // stands for this depth and all beyond, which decide nothing; at most deepest
}

// depthsOf returns what is held of a job's depths.
func depthsOf(job crawler.Job) depths { return depths{min(job.DepthLimit()+1, deepest)} }

// kept reports whether depths are held at all.
func (d depths) kept() bool { return d.farthest > 0 }

// of returns what stands for a depth.
func (d depths) of(depth int) int { return min(depth, d.farthest) }

// digits is how many digits of a member are its depth.
func (d depths) digits() int {
	switch {
	case !d.kept():
		return 0
	case d.farthest < 10:
		return 1
	}
	return 2
}

// fingerprint is what seen holds of what a URL is to the job: 64 bits of the SHA-256
// of that, so that nobody can make a URL that hides another. Two of n URLs share one
// with a chance of n²/2⁶⁵: 3 in a million at ten million. Where digits of a depth
// follow there is room for 61 or 57 bits: 3 in 100,000, or 3 in 10,000.
func (d depths) fingerprint(key string) int64 {
	sum := sha256.Sum256([]byte(key))
	fp := int64(binary.LittleEndian.Uint64(sum[:]))
	switch d.digits() {
	case 0:
		return fp
	case 1:
		fp /= 11 // rather than 10, so that any digit may follow
	case 2:
		fp /= 101
	}
	if fp == 0 {
		return 1 // a number has no digits behind a zero
	}
	return fp
}

// member is the element of seen that a URL has at a depth.
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

// split takes a member apart that the scripts returned.
func (d depths) split(member string) (depth int, ok bool) {
	if len(member) <= d.digits() {
		return 0, false
	}
	depth, err := strconv.Atoi(member[len(member)-d.digits():])
	return depth, err == nil
}

// pick returns the script of a job whose depths are held, or the other one.
func (d depths) pick(plain, deep *redis.Script) *redis.Script {
	if d.kept() {
		return deep
	}
	return plain
}

// args ends the arguments of a script that was picked.
func (d depths) args(args []any) []any {
	if !d.kept() {
		return args
	}
	text := strconv.Itoa(d.farthest)
	return append(args, text)
}

// member is the element of seen that a URL has at a depth.
func (f *Frontier) member(u crawler.URL, depth int) string {
	return f.depths.member(f.depths.fingerprint(f.identity.Key(u)), depth)
}
