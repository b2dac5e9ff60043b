package frontier

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Remember stores the outlinks of pages of the host, and returns the current depths of the
// pages. It implements [visit.HostLease].
func (l *HostLease) Remember(ctx context.Context, pages []fetched.Outlinks) ([]int, error) {
	if len(pages) == 0 {
		return nil, nil
	}
	d := l.frontier.depths
	args := l.head()
	for _, p := range pages {
		links := ""
		if p.Depth > 0 && len(p.Links) > 0 {
			links = l.frontier.links.pack(p.Links)
		}
		m := l.frontier.markOf(p.Page, p.Depth)
		args = append(args, m.group, m.member, links)
	}
	got, err := run(ctx, l.frontier.rdb, outlinksScript(), "outlinks", l.base, d.args(args)...).Int64Slice()
	if err != nil {
		return nil, err
	}
	if len(got) != len(pages) {
		return nil, fmt.Errorf("frontier: outlinks at %s: %d pages have %d depths", l.ref.Host, len(pages), len(got))
	}
	depths := make([]int, len(pages))
	for i, p := range pages {
		depths[i] = p.Depth
		if depth := int(got[i]); depth >= 0 && depth < d.farthest {
			depths[i] = min(p.Depth, depth)
		}
	}
	return depths, nil
}

// linkCodec packs links. It is initialized on first use, because most processes have no job
// in which depth decides anything. It is safe for concurrent use.
type linkCodec struct {
	once    sync.Once
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// maxUnpacked bounds the size of one page's links, in bytes. A sitemap may list 50,000
// URLs, each of at most 2,048 bytes unless the job allows longer ones.
const maxUnpacked = 256 << 20

func (c *linkCodec) start() {
	var err error
	if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithSingleSegment(true),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<20)); err != nil {
		panic("frontier: " + err.Error()) // the options are fixed
	}
	if c.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxUnpacked)); err != nil {
		panic("frontier: " + err.Error())
	}
}

// linkPassed is added to the level of a sitemap if Entry.Passed follows.
const linkPassed = 1 << 8

// linkKind is what links of a page may have in common.
type linkKind struct {
	via, passed                                string
	step, most, band, hops, embeds, sitemapped int
}

func kindOf(l fetched.Outlink) linkKind {
	e := l.Entry
	return linkKind{e.Referrer.String(), e.Passed, e.Depth, l.Most, int(e.Band), e.Hops, e.Embeds, e.Sitemap}
}

func (k linkKind) compare(other linkKind) int {
	return cmp.Or(
		cmp.Compare(k.via, other.via), cmp.Compare(k.step, other.step), cmp.Compare(k.most, other.most),
		cmp.Compare(k.band, other.band),
		cmp.Compare(k.passed, other.passed), cmp.Compare(k.hops, other.hops), cmp.Compare(k.embeds, other.embeds),
		cmp.Compare(k.sitemapped, other.sitemapped),
	)
}

// pack encodes links, sorted by kind and URL, so that each can omit the prefix that it
// shares with the previous one:
//
//	for each kind: len(via) via step most+1 band hops embeds sitemap [len(passed) passed] number of links
//	for each link: length of the shared prefix, len(rest) rest
func (c *linkCodec) pack(links []fetched.Outlink) string {
	c.once.Do(c.start)
	sorted := slices.SortedFunc(slices.Values(links), func(a, b fetched.Outlink) int {
		return cmp.Or(kindOf(a).compare(kindOf(b)), strings.Compare(a.Entry.URL.String(), b.Entry.URL.String()))
	})
	var b []byte
	for len(sorted) > 0 {
		kind, n := kindOf(sorted[0]), 1
		for n < len(sorted) && kindOf(sorted[n]) == kind {
			n++
		}
		b = appendText(b, kind.via)
		sitemapped := kind.sitemapped
		if kind.passed != "" {
			sitemapped |= linkPassed
		}
		for _, v := range []int{kind.step, kind.most + 1, kind.band, kind.hops, kind.embeds, sitemapped} {
			b = binary.AppendUvarint(b, uint64(v))
		}
		if kind.passed != "" {
			b = appendText(b, kind.passed)
		}
		b = binary.AppendUvarint(b, uint64(n))
		before := kind.via
		for _, l := range sorted[:n] {
			url := l.Entry.URL.String()
			shared := sharedPrefix(before, url)
			b = appendText(binary.AppendUvarint(b, uint64(shared)), url[shared:])
			before = url
		}
		sorted = sorted[n:]
	}
	return string(c.encoder.EncodeAll(b, nil))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

var errLinks = errors.New("links that pack did not write")

// unpack decodes the result of pack. "" has no links.
func (c *linkCodec) unpack(packed string) ([]fetched.Outlink, error) {
	if packed == "" {
		return nil, nil
	}
	c.once.Do(c.start)
	plain, err := c.decoder.DecodeAll([]byte(packed), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errLinks, err)
	}
	r := linkReader{rest: plain}
	var links []fetched.Outlink
	for len(r.rest) > 0 && r.err == nil {
		links = r.kind(links)
	}
	return links, r.err
}

// linkReader decodes unpacked links. It keeps its first error.
type linkReader struct {
	rest []byte
	err  error
}

// kind decodes the links of one kind.
func (r *linkReader) kind(links []fetched.Outlink) []fetched.Outlink {
	via := r.text()
	l := fetched.Outlink{Entry: queue.Entry{Depth: r.number()}}
	l.Most = r.number() - 1
	if l.Entry.Band = queue.Band(min(r.number(), queue.Bands)); l.Entry.Band == queue.Bands {
		l.Entry.Band = queue.BandLow // no version writes this band
	}
	l.Entry.Hops, l.Entry.Embeds, l.Entry.Sitemap = r.number(), r.number(), r.number()
	if l.Entry.Sitemap&linkPassed != 0 {
		l.Entry.Sitemap, l.Entry.Passed = l.Entry.Sitemap&^linkPassed, r.text()
	}
	if via != "" {
		l.Entry.Referrer = r.url(via)
	}
	before := via
	for range r.number() {
		if r.err != nil {
			return links
		}
		shared := min(r.number(), len(before))
		before = before[:shared] + r.text()
		l.Entry.URL = r.url(before)
		links = append(links, l)
	}
	return links
}

func (r *linkReader) number() int {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<31 {
		r.err, r.rest = errLinks, nil
		return 0
	}
	r.rest = r.rest[n:]
	return int(v)
}

func (r *linkReader) text() string {
	n := r.number()
	if n > len(r.rest) {
		r.err, r.rest = errLinks, nil
		return ""
	}
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *linkReader) url(text string) crawler.URL {
	u, err := crawler.ParseURL(text)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %w", errLinks, err)
	}
	return u
}
