// Package spread counts how the pages of a job are distributed: by depth, by the size of their
// bodies, and by HTTP status, with an example of each. Workers count, and add what they have
// counted to the job's numbers about once a second.
package spread

import (
	"math"
	"slices"
	"strconv"
)

// Kind is a property by which pages are counted.
type Kind byte

// The kinds. Depths and sizes are those of pages that were fetched, statuses those of all URLs
// with a response.
const (
	Depth  Kind = 'd'
	Size   Kind = 'b' // the range of the size of the body
	Status Kind = 's'
)

// Kinds lists the kinds.
var Kinds = []Kind{Depth, Size, Status}

// MaxDepth stands for all greater depths.
const MaxDepth = 99

// sizes are where ranges of sizes begin, in bytes.
var sizes = []int64{0, 1, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20}

// Bucket is how many URLs have a property.
type Bucket struct {
	From    int64  // the depth, the smallest size in bytes, or the status
	To      int64  // the largest size, -1 for none; otherwise the same as From
	URLs    int64  // how many there are
	Example string // the first one that was counted; "" if it is not known
}

// Counts are the numbers of a job, or what a worker adds to them. The zero value counts nothing.
type Counts map[string]Count

// Count is a number with an example. Its name is that of a kind and a value.
type Count struct {
	URLs    int64
	Example string
}

// Page counts a page that was fetched.
func (c Counts) Page(url string, depth int, size int64) {
	c.add(Depth, min(max(0, depth), MaxDepth), url)
	at, exact := slices.BinarySearch(sizes, size)
	if !exact {
		at--
	}
	c.add(Size, max(0, at), url)
}

// Response counts a URL with a response. Invalid statuses are left out.
func (c Counts) Response(url string, status int) {
	if status >= 100 && status <= 999 {
		c.add(Status, status, url)
	}
}

func (c Counts) add(k Kind, value int, url string) {
	name := string(rune(k)) + strconv.Itoa(value)
	n := c[name]
	if n.URLs++; n.Example == "" {
		n.Example = url
	}
	c[name] = n
}

// Buckets returns the numbers of a kind, in the order of their values.
func (c Counts) Buckets(k Kind) []Bucket {
	all := []Bucket{}
	for name, n := range c {
		if name == "" || name[0] != byte(k) || n.URLs <= 0 {
			continue
		}
		value, err := strconv.ParseInt(name[1:], 10, 32)
		if err != nil || value < 0 || k == Size && value >= int64(len(sizes)) {
			continue
		}
		b := Bucket{From: value, To: value, URLs: n.URLs, Example: n.Example}
		if k == Size {
			b.From, b.To = sizes[value], -1
			if value+1 < int64(len(sizes)) {
				b.To = sizes[value+1] - 1
			}
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b Bucket) int { return int(min(max(a.From-b.From, math.MinInt32), math.MaxInt32)) })
	return all
}
