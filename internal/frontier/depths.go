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

// groups is the number of groups of hosts in seen.
const groups = 1 << 14

// groupOf returns the group of a host in seen. It depends on the hash that decides the shard, so a
// shard of n has only some of the groups.
func groupOf(host crawler.Host) int { return int(hashOf(host) % groups) }

// fingerprint returns what seen stores of the key of a URL: 64 bits of its SHA-256. Two of n URLs in
// a group have the same fingerprint, so that one of them is never fetched, with a probability of
// n²/2⁶⁵: 3 in a million for ten million URLs of a host. If the digits of a depth follow, there is
// room for 3.5 or 6.7 bits less: 3 in 10,000.
//
// The scripts need ten digits at least (seen.lua).
func (d depths) fingerprint(key string) int64 {
	const shortest = 1e9
	sum := sha256.Sum256([]byte(key))
	fp := int64(binary.LittleEndian.Uint64(sum[:])) / d.scale()
	if -shortest < fp && fp < shortest {
		fp += 2 * shortest
	}
	return fp
}

// scale returns the divisor of fingerprints that leaves room for the digits of a depth behind them.
// It is not a power of ten, so that any digit may follow.
func (d depths) scale() int64 {
	switch d.digits() {
	case 1:
		return 11
	case 2:
		return 101
	}
	return 1
}

// A mark is how seen knows a URL.
type mark struct {
	group  int    // of its host
	member string // its fingerprint, and where it is stored its depth
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

// markOf returns how seen knows a URL at a depth.
func (f *Frontier) markOf(u crawler.URL, depth int) mark {
	return mark{groupOf(f.identity.Host(u.Host())), f.depths.member(f.Fingerprint(u), depth)}
}
