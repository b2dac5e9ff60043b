package frontier

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file estimates how many other hosts link to each page of a continuous job, in half a byte a
// page. A link has a value: how many leading zeros the hash of its page and of the host that links
// there has. The largest value of all links to a page is about the binary logarithm of how many
// different hosts link to it (Flajolet and Martin 1985), to within a factor of two for most pages.
// The same link counts once, however often it is met, so no link needs to be remembered. Pages
// share registers by chance, which makes some pages matter more than they should, and none less.
//
// Links within a host do not count: its menu links everywhere. One host counts once, however
// often it links to the page, and mostLinked bounds the effect of many hosts.

const (
	// mostLinked is the largest value that counts: 64 hosts, for an importance of 4.5. More would
	// let the owner of many hosts decide what is fetched.
	mostLinked = 6
	// linkSteps is how many steps of importance a page gains with each value; see [recrawl.State].
	linkSteps = 4
	linkBatch = 500
)

// linkHash returns the hash of a page that links are noted for.
func (f *Frontier) linkHash(e queue.Entry) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(f.identity.Key(e.URL))) // a hash never fails
	return sum.Sum64()
}

// linkValue returns the value of a link to a page from a host.
func linkValue(page uint64, host string) int {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(host))
	x := page ^ sum.Sum64()
	// The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return min(bits.LeadingZeros64(x^x>>31), mostLinked)
}

// noteLinks notes the links between hosts in a continuous job. Half of them have a value of 0, and
// need no call, like those that this process has noted lately.
func (f *Frontier) noteLinks(ctx context.Context, entries []queue.Entry) error {
	if !f.continuous() {
		return nil
	}
	var args []any
	var noted []uint64
	for _, e := range entries {
		if e.Referrer.IsZero() || f.identity.Host(e.Referrer.Host()) == f.identity.Host(e.URL.Host()) {
			continue
		}
		host := string(f.identity.Host(e.Referrer.Host()))
		page := f.linkHash(e)
		value := linkValue(page, host)
		known := f.recent.hash("link " + host + " " + f.identity.Key(e.URL)) // never the key of a URL
		if value == 0 || f.recent.has(known, 0) {
			continue
		}
		noted = append(noted, known)
		args = append(args, uint32(page), value)
	}
	for from := 0; from < len(args); from += 2 * linkBatch {
		batch := append([]any{0}, args[from:min(from+2*linkBatch, len(args))]...)
		if err := f.link(ctx, batch); err != nil {
			return err
		}
	}
	for _, hash := range noted {
		f.recent.add(hash, 0)
	}
	return nil
}

// link runs link.lua.
func (f *Frontier) link(ctx context.Context, args []any) error {
	_, err := f.withLinks(ctx, func(key string) *redis.Cmd {
		return runKeys(ctx, f.rdb, linkScript(), "link", []string{key}, args...)
	})
	return err
}

// linked returns the time, and for each page how many other hosts link to it: the binary logarithm.
func (f *Frontier) linked(ctx context.Context, pages []queue.Settlement) (now time.Time, values []int, err error) {
	hashes := make([]any, len(pages))
	for i, s := range pages {
		if e := s.Page.Entry; !e.URL.IsZero() {
			hashes[i] = uint32(f.linkHash(e))
		} else {
			hashes[i] = 0
		}
	}
	got, err := f.withLinks(ctx, func(key string) *redis.Cmd {
		return runKeys(ctx, f.rdb, linkedScript(), "linked", []string{key}, hashes...)
	})
	if err != nil {
		return now, nil, err
	}
	texts, err := got.StringSlice()
	if err != nil || len(texts) != 2+len(pages) {
		return now, nil, fmt.Errorf("frontier: linked of %s: unexpected answer %v", f.job.Name, got)
	}
	now = time.Unix(number(texts[0]), 1000*number(texts[1]))
	values = make([]int, len(pages))
	for i := range values {
		value, _ := strconv.Atoi(texts[2+i])
		values[i] = min(value, mostLinked)
	}
	return now, values, nil
}

// withLinks calls do with the key of the registers, and once more if it had to be set aside.
func (f *Frontier) withLinks(ctx context.Context, do func(key string) *redis.Cmd) (*redis.Cmd, error) {
	key := jobBase(f.job.Name) + nameLinks
	got := do(key)
	if err := got.Err(); errors.Is(err, queue.ErrGarbage) || redisconn.IsWrongType(err) {
		if err := f.store.setAside(ctx, f.job.Name, nameLinks); err != nil {
			return nil, err
		}
		got = do(key)
	}
	return got, got.Err()
}

// The importances of pages by their priority alone (importanceOf), in steps. No two have the same
// remainder modulo linkSteps, so a page's own importance can still be told after links have added
// to it.
var ownImportances = [...]uint8{
	recrawl.Importance(0.5), recrawl.Importance(1), recrawl.Importance(2), recrawl.Importance(4),
}

// linkedImportance replaces the part of an importance that comes from links by the current one.
func linkedImportance(before uint8, value int) uint8 {
	for _, own := range ownImportances {
		if (before-own)%linkSteps == 0 { // of eight bits, which four divides
			return own + uint8(value*linkSteps)
		}
	}
	return before
}
