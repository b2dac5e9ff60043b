package frontier

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Bounds of what Redis remembers to find near duplicates.
const (
	// maxSketches is how many pages of a host are remembered: about 2 MB. A visit holds
	// their sketches, which are half of that.
	maxSketches = 10_000
	// Buckets hold the bands of all pages of the job. Each has at most maxBands, so that Redis
	// packs it tightly: the bands of 600,000 pages, at most about 400 MB.
	bandBuckets = 1 << 16
	maxBands    = 128
	// maxBandShards is how many shards the buckets are spread over, so that a batch of pages
	// takes few calls.
	maxBandShards = 16

	sketchesEach = 1000 // sketches read with one call
	bandsEach    = 512  // bands looked up with one call
	sketchedEach = 128  // pages looked up with one call
	sketchBytes  = len(minhash.Brief{})
)

// sketches are those of the host's pages that a visit knows, in the order of Redis. Only
// this visit adds any.
type sketches struct {
	read bool
	all  []minhash.Brief
}

// find returns the position of the first sketch that is similar, or -1.
func (s *sketches) find(b *minhash.Brief) int {
	for i := range s.all {
		if s.all[i].Similar(b) {
			return i
		}
	}
	return -1
}

// sketchRef says where the sketch of a page is: its host, and its position there. As a
// text it is "7 example.org".
type sketchRef struct {
	host crawler.Host
	at   int
}

func (r sketchRef) String() string { return strconv.Itoa(r.at) + " " + string(r.host) }

func parseSketchRef(text string) (sketchRef, bool) {
	at, host, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(at)
	return sketchRef{crawler.Host(host), n}, err == nil && n >= 0 && host != ""
}

// sketchedPage is a page that was remembered.
type sketchedPage struct {
	ref   sketchRef
	since int64 // when, in milliseconds
	brief minhash.Brief
	url   crawler.URL // of the page, or of the one that it is a near duplicate of
}

// before reports whether a page was remembered before another. It is a total order, so
// that of two pages that find each other only one is a near duplicate.
func (p *sketchedPage) before(other *sketchedPage) bool {
	return cmp.Or(cmp.Compare(p.since, other.since), strings.Compare(p.ref.String(), other.ref.String())) < 0
}

// pageText returns the page as Redis has it, without the time.
func pageText(u crawler.URL) string { return string(u.Host()) + " " + queue.Entry{URL: u}.Pack() }

func (p *sketchedPage) parse(brief, text string) bool {
	since, rest, _ := strings.Cut(text, " ")
	host, packed, found := strings.Cut(rest, " ")
	if !found || copy(p.brief[:], brief) != sketchBytes {
		return false
	}
	e, err := queue.UnpackEntry(crawler.Host(host), queue.BandNormal, packed)
	if err != nil {
		return false
	}
	p.url = e.URL
	p.since, err = strconv.ParseInt(since, 10, 64)
	return err == nil
}

// candidate is a page that is compared with others.
type candidate struct {
	page  queue.Sketched
	brief minhash.Brief
	self  sketchedPage // where it is remembered; at -1 if there is no room
	kin   int          // the page of this batch that it resembles, or -1
	first crawler.URL
}

// errSketches means that Redis has other sketches of a host than its visit knows. They are
// read again.
var errSketches = errors.New("frontier: the sketches of the host have changed")

// Resemble tells pages that are nearly the same as earlier ones; see [visit.HostLease].
// Within the host, each page is compared with all that are remembered. In the job, it is
// compared with the first pages that share a band with it.
func (l *HostLease) Resemble(ctx context.Context, pages []queue.Sketched) ([]crawler.URL, error) {
	first, err := l.resemble(ctx, pages)
	if errors.Is(err, errSketches) {
		l.sketches = sketches{}
		first, err = l.resemble(ctx, pages)
	}
	if err != nil { // it is not known what of the batch Redis has
		l.sketches = sketches{}
	}
	return first, err
}

func (l *HostLease) resemble(ctx context.Context, pages []queue.Sketched) ([]crawler.URL, error) {
	if err := l.readSketches(ctx); err != nil {
		return nil, err
	}
	all, fresh, known := l.match(pages)
	if err := l.addSketches(ctx, fresh); err != nil {
		return nil, err
	}
	again, err := l.lookUp(ctx, known)
	if err != nil {
		return nil, err
	}
	var open []*candidate // not found at the host
	for _, c := range all {
		if c.kin < 0 && c.first.IsZero() && (!slices.Contains(known, c) || slices.Contains(again, c)) {
			open = append(open, c)
		}
	}
	if err := l.searchJob(ctx, open); err != nil {
		return nil, err
	}
	if err := l.resolve(ctx, open); err != nil {
		return nil, err
	}
	first := make([]crawler.URL, len(all))
	for i, c := range all {
		if first[i] = c.first; c.kin >= 0 {
			if first[i] = all[c.kin].first; first[i].IsZero() {
				first[i] = all[c.kin].page.URL
			}
		}
	}
	return first, nil
}

// readSketches reads the host's sketches, once in a visit.
func (l *HostLease) readSketches(ctx context.Context) error {
	for !l.sketches.read {
		got, err := run(ctx, l.frontier.rdb, sketchesScript(), "sketches", l.base,
			l.head(sketchBytes, len(l.sketches.all), sketchesEach)...).Slice()
		if err != nil {
			return err
		}
		count, text := got[0].(int64), got[1].(string)
		for ; len(text) >= sketchBytes; text = text[sketchBytes:] {
			l.sketches.all = append(l.sketches.all, minhash.Brief([]byte(text[:sketchBytes])))
		}
		switch n := int64(len(l.sketches.all)); {
		case n == count:
			l.sketches.read = true
		case n > count || len(got[1].(string)) < sketchBytes:
			return errSketches
		}
	}
	return nil
}

// match compares pages with those of the host. fresh resemble none of them, and known
// resemble one of an earlier batch.
func (l *HostLease) match(pages []queue.Sketched) (all, fresh, known []*candidate) {
	before := len(l.sketches.all)
	added := make(map[int]int) // pages of this batch, by position
	for i, p := range pages {
		c := &candidate{page: p, brief: p.Sketch.Brief(), kin: -1}
		c.self = sketchedPage{ref: sketchRef{l.ref.Host, l.sketches.find(&c.brief)}, brief: c.brief}
		all = append(all, c)
		switch at := c.self.ref.at; {
		case at >= before:
			c.kin = added[at]
		case at >= 0:
			known = append(known, c)
		case len(l.sketches.all) < maxSketches:
			c.self.ref.at = len(l.sketches.all)
			added[c.self.ref.at] = i
			l.sketches.all = append(l.sketches.all, c.brief)
			fresh = append(fresh, c)
		}
	}
	return all, fresh, known
}

// addSketches remembers pages.
func (l *HostLease) addSketches(ctx context.Context, fresh []*candidate) error {
	if len(fresh) == 0 {
		return nil
	}
	args := l.head(sketchBytes, fresh[0].self.ref.at)
	for _, c := range fresh {
		args = append(args, string(c.brief[:]), pageText(c.page.URL))
	}
	since, err := run(ctx, l.frontier.rdb, sketchScript(), "sketch", l.base, args...).Int64()
	if err != nil {
		return err
	}
	if since < 0 {
		return errSketches
	}
	for _, c := range fresh {
		c.self.since = since
	}
	return nil
}

// lookUp finds out which pages of the host the candidates resemble. It returns those that
// are these pages themselves, because they are fetched again.
func (l *HostLease) lookUp(ctx context.Context, known []*candidate) (again []*candidate, err error) {
	refs := make([]sketchRef, len(known))
	for i, c := range known {
		refs[i] = c.self.ref
	}
	found, err := l.frontier.sketched(ctx, refs)
	if err != nil {
		return nil, err
	}
	for _, c := range known {
		p := found[c.self.ref]
		switch {
		case p == nil: // garbage
		case p.url == c.page.URL:
			c.self = *p
			again = append(again, c)
		default:
			c.first = p.url
		}
	}
	return again, nil
}

// searchJob compares pages with those of the job that share a band with them.
func (l *HostLease) searchJob(ctx context.Context, open []*candidate) error {
	owners, err := l.frontier.bands(ctx, open)
	if err != nil {
		return err
	}
	var refs []sketchRef
	for _, of := range owners {
		refs = append(refs, of...)
	}
	found, err := l.frontier.sketched(ctx, refs)
	if err != nil {
		return err
	}
	for i, c := range open {
		for _, ref := range owners[i] {
			p := found[ref]
			if p != nil && ref != c.self.ref && p.url != c.page.URL && (c.self.ref.at < 0 || p.before(&c.self)) &&
				p.brief.Similar(&c.brief) {
				c.first = p.url
				break
			}
		}
	}
	return nil
}

// resolve makes those that resemble the candidates from now on near duplicates of the same
// pages as the candidates.
func (l *HostLease) resolve(ctx context.Context, open []*candidate) error {
	args := l.head()
	for _, c := range open {
		if !c.first.IsZero() && c.self.ref.at >= 0 {
			args = append(args, c.self.ref.at, strconv.FormatInt(c.self.since, 10)+" "+pageText(c.first))
		}
	}
	if len(args) == len(l.head()) {
		return nil
	}
	return run(ctx, l.frontier.rdb, resolveScript(), "resolve", l.base, args...).Err()
}

// bandCall is one call of the script.
type bandCall struct {
	shard int
	args  []any
	whose []int // index of the candidate of each band
}

// bands returns for each candidate the first pages that share a band with it, each once,
// and remembers its bands if there is room.
func (f *Frontier) bands(ctx context.Context, open []*candidate) ([][]sketchRef, error) {
	owners := make([][]sketchRef, len(open))
	for _, call := range f.bandCalls(open) {
		got, err := run(ctx, f.rdb, bandsScript(), "bands", f.base(call.shard), call.args...).StringSlice()
		if err != nil {
			return nil, err
		}
		if len(got) != len(call.whose) {
			return nil, fmt.Errorf("frontier: bands on %s: %d bands have %d pages", f.base(call.shard), len(call.whose),
				len(got))
		}
		for i, text := range got {
			if ref, ok := parseSketchRef(text); ok && !slices.Contains(owners[call.whose[i]], ref) {
				owners[call.whose[i]] = append(owners[call.whose[i]], ref)
			}
		}
	}
	return owners, nil
}

// bandCalls groups the bands of candidates by the shards of their buckets.
func (f *Frontier) bandCalls(open []*candidate) []*bandCall {
	var all []*bandCall
	last := make(map[int]*bandCall)
	for i, c := range open {
		page := ""
		if c.self.ref.at >= 0 {
			page = c.self.ref.String()
		}
		for _, key := range c.page.Sketch.Keys() {
			bucket := int(key % bandBuckets)
			shard := bucket % min(f.job.Shards, maxBandShards)
			call := last[shard]
			if call == nil || len(call.whose) == bandsEach {
				call = &bandCall{shard: shard, args: []any{maxBands}}
				last[shard] = call
				all = append(all, call)
			}
			call.args = append(call.args, bucket, string(binary.BigEndian.AppendUint64(nil, key)), page)
			call.whose = append(call.whose, i)
		}
	}
	return all
}

// sketched looks up pages by where their sketches are. Those that cannot be found are
// missing from the result.
func (f *Frontier) sketched(ctx context.Context, refs []sketchRef) (map[sketchRef]*sketchedPage, error) {
	found := make(map[sketchRef]*sketchedPage, len(refs))
	shards := make(map[int][]sketchRef)
	for _, ref := range refs {
		if _, known := found[ref]; !known {
			found[ref] = nil
			shard := f.shardOf(ref.host)
			shards[shard] = append(shards[shard], ref)
		}
	}
	for shard, all := range shards {
		for some := range slices.Chunk(all, sketchedEach) {
			args := []any{sketchBytes}
			for _, ref := range some {
				args = append(args, string(ref.host), ref.at)
			}
			got, err := run(ctx, f.rdb, sketchedScript(), "sketched", f.base(shard), args...).StringSlice()
			if err != nil {
				return nil, err
			}
			for i, ref := range some {
				p := &sketchedPage{ref: ref}
				if len(got) == 2*len(some) && p.parse(got[2*i], got[2*i+1]) {
					found[ref] = p
				}
			}
		}
	}
	return found, nil
}
