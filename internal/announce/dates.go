package announce

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Entry is what a sitemap or a feed says of a page.
type Entry struct {
	URL      crawler.URL
	Modified time.Time // zero if it says nothing
}

// hashSize is how many bytes a hash has. An entry of a list has two.
const hashSize = 4

// maxDates is the largest number of entries whose dates are remembered: as many as a sitemap may
// have. Those of further entries are never announced.
const maxDates = 50_000

// stamped is the share of the pages of a list whose dates may change at once. A list with more has
// the time at which it was written for all pages, which says nothing about any of them.
const stamped = 0.5

// fewest is how many pages a list must have for that to count.
const fewest = 10

// Dates is which pages a list had with which dates: a set of 32-bit hashes of each URL, and of
// each URL with its date, so 8 bytes a page. The zero value is
// that of a list that was not read before. One in 100,000 changes is missed because its hash is in
// the set of a large list by chance.
type Dates struct {
	hashes []uint32 // sorted
}

// Compare returns the pages of a list that it announces since it was read before, and what to remember
// of it now. Pages that were not in the list before are not announced: they are links like any other.
// A page is announced if its date is another one, earlier or later. Nothing is announced by a list
// that is read for the first time, or in which more than half of at least ten dates have changed.
func (d Dates) Compare(list []Entry) (announced []crawler.URL, now Dates) {
	known := 0
	for _, e := range list[:min(len(list), maxDates)] {
		if e.Modified.IsZero() {
			continue
		}
		url, dated := hashes(e)
		now.hashes = append(now.hashes, url, dated)
		if !d.has(url) {
			continue
		}
		known++
		if !d.has(dated) {
			announced = append(announced, e.URL)
		}
	}
	slices.Sort(now.hashes)
	now.hashes = slices.Compact(now.hashes)
	if known >= fewest && float64(len(announced)) > stamped*float64(known) {
		announced = nil
	}
	return announced, now
}

// Added returns how many pages with dates a list has that were not in it before; 0 if it was not read
// before.
func (d Dates) Added(list []Entry) (n int) {
	for _, e := range list[:min(len(list), maxDates)] {
		if url, _ := hashes(e); len(d.hashes) > 0 && !e.Modified.IsZero() && !d.has(url) {
			n++
		}
	}
	return n
}

// Fresh returns the pages of a list that were not in it before with the same date, those that are new
// among them, and those without a date, which may always have changed. It is for lists that are short
// and written by hand, or by a program that knows of a change: feeds.
func (d Dates) Fresh(list []Entry) (fresh []crawler.URL) {
	for _, e := range list[:min(len(list), maxDates)] {
		if _, dated := hashes(e); e.Modified.IsZero() || !d.has(dated) {
			fresh = append(fresh, e.URL)
		}
	}
	return fresh
}

func (d Dates) has(hash uint32) bool {
	_, found := slices.BinarySearch(d.hashes, hash)
	return found
}

// hashes returns a hash of the URL of an entry, and one of the URL and the date.
func hashes(e Entry) (url, dated uint32) {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(e.URL.String())) // a hash never fails
	url = uint32(sum.Sum64() >> 32)
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(e.Modified.Unix()))
	_, _ = sum.Write(at[:])
	return url, uint32(sum.Sum64() >> 32)
}

// Append appends the packed form to b.
func (d Dates) Append(b []byte) []byte {
	for _, h := range d.hashes {
		b = binary.BigEndian.AppendUint32(b, h)
	}
	return b
}

// ParseDates reads packed dates, which must be all of b.
func ParseDates(b []byte) (d Dates, err error) {
	if len(b)%hashSize != 0 || len(b) > 2*maxDates*hashSize {
		return d, fmt.Errorf("dates of a list: %d bytes are out of range: want a multiple of %d, at most %d", len(b),
			hashSize, 2*maxDates*hashSize)
	}
	for ; len(b) > 0; b = b[hashSize:] {
		d.hashes = append(d.hashes, binary.BigEndian.Uint32(b))
	}
	if !slices.IsSorted(d.hashes) {
		return Dates{}, fmt.Errorf("dates of a list: %d hashes are not in order", len(d.hashes))
	}
	return d, nil
}
