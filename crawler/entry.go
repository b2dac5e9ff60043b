package crawler

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Band is the queue of its host that an entry waits in: one for each [Priority].
// Within a band the oldest is taken first. The numbers are part of what Redis holds,
// and are not the order in which bands are taken: see [BandOrder].
type Band uint8

// The bands.
const (
	BandFirst  Band = iota // high: seeds, and what pages embed
	BandNormal             // normal: links
	BandLow                // low: what can wait
	BandUrgent             // urgent: wanted now
)

// Bands is how many bands there are.
const Bands = 4

// BandOrder lists the bands in the order in which they are taken.
var BandOrder = [Bands]Band{BandUrgent, BandFirst, BandNormal, BandLow}

// Priority is the priority of the URLs in the band.
func (b Band) Priority() Priority { return Priorities[slices.Index(BandOrder[:], b)] }

// Entry is a URL on its way through the frontier.
type Entry struct {
	URL    URL
	Via    URL  // the page that linked to it; zero for a seed
	Depth  int  // links from a seed; a seed has 0
	Band   Band // kept by the queue that the entry waits in, not by Pack
	Hops   int  // redirects between hosts that led here
	Tries  int  // fetches that failed in a way that may pass
	Spared int  // fetches that failed because of the host, and are no tries
	Embeds int  // resources in a row that led here from a page; 0 is a page itself
	Lost   int  // visits that broke while they held it, up to 255
	// Sitemap says that somebody called the URL a sitemap, and how far from
	// robots.txt: 0 is a page, 1 a sitemap that robots.txt names, 2 one that an
	// index lists, up to SitemapLevels.
	Sitemap int
}

// Bits of an entry's flags.
const (
	flagHTTPS     = 1 << iota
	flagVia       // a via follows
	flagViaSuffix // the via shares its origin, and a prefix, with the URL
	flagSpared    // Spared follows Tries
	flagSitemap   // the lower of two bits for the level of a sitemap
	_
	flagEmbeds // Embeds follows these
)

// mostPackedLevels is how many levels of sitemaps the flags can tell.
const mostPackedLevels = 3

// Pack writes e as the frontier stores it, for the queue of e.URL.Host():
// neither scheme nor host are repeated, and the via shares the prefix of the
// URL. The first byte is Lost, so that a script can count it up.
//
//	lost flags depth hops tries [spared] [embeds] len(path) path [len(shared prefix)] [via]
func (e Entry) Pack() string {
	path := e.URL.Path()
	flags := byte(min(e.Sitemap, mostPackedLevels)) * flagSitemap
	if e.URL.secure() {
		flags |= flagHTTPS
	}
	var via string
	shared := 0
	switch {
	case e.Via.IsZero():
	case e.Via.href[:e.Via.pathAt] == e.URL.href[:e.URL.pathAt]:
		flags |= flagVia | flagViaSuffix
		shared = commonPrefix(e.URL.Path(), e.Via.Path())
		via = e.Via.Path()[shared:]
	default:
		flags |= flagVia
		via = e.Via.href
	}
	if e.Spared > 0 {
		flags |= flagSpared
	}
	if e.Embeds > 0 {
		flags |= flagEmbeds
	}
	b := make([]byte, 0, 16+len(path)+len(via))
	b = append(b, byte(min(e.Lost, 255)), flags)
	b = binary.AppendUvarint(b, uint64(e.Depth))
	b = binary.AppendUvarint(b, uint64(e.Hops))
	b = binary.AppendUvarint(b, uint64(e.Tries))
	if e.Spared > 0 {
		b = binary.AppendUvarint(b, uint64(e.Spared))
	}
	if e.Embeds > 0 {
		b = binary.AppendUvarint(b, uint64(e.Embeds))
	}
	b = binary.AppendUvarint(b, uint64(len(path)))
	b = append(b, path...)
	if flags&flagViaSuffix != 0 {
		b = binary.AppendUvarint(b, uint64(shared))
	}
	b = append(b, via...)
	return string(b)
}

// UnpackEntry reads an entry from the queue of h. It fails on bytes that Pack
// did not write.
func UnpackEntry(h Host, band Band, packed string) (Entry, error) {
	r := reader{rest: packed}
	e := Entry{Band: band, Lost: int(r.byte())}
	flags := r.byte()
	e.Sitemap = int(flags / flagSitemap & mostPackedLevels)
	e.Depth = r.uvarint()
	e.Hops = r.uvarint()
	e.Tries = r.uvarint()
	if flags&flagSpared != 0 {
		e.Spared = r.uvarint()
	}
	if flags&flagEmbeds != 0 {
		e.Embeds = r.uvarint()
	}
	path := r.take(r.uvarint())
	scheme := "http://"
	if flags&flagHTTPS != 0 {
		scheme = "https://"
	}
	origin := scheme + string(h)
	e.URL = URL{origin + path, len(origin)}
	switch {
	case flags&flagViaSuffix != 0:
		shared := r.uvarint()
		r.broken = r.broken || shared > len(path)
		e.Via = URL{origin + path[:min(shared, len(path))] + r.rest, len(origin)}
		r.broken = r.broken || !strings.HasPrefix(e.Via.Path(), "/")
	case flags&flagVia != 0:
		r.broken = r.broken || !absolute(r.rest)
		if !r.broken {
			e.Via = fromHref(r.rest)
		}
	default:
		r.broken = r.broken || r.rest != ""
	}
	if r.broken || !strings.HasPrefix(path, "/") {
		return Entry{}, fmt.Errorf("entry of host %q is not one: %q", h, clip(packed))
	}
	return e, nil
}

// absolute reports whether s has the parts that a canonical URL has.
func absolute(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	return ok && (scheme == "http" || scheme == "https") && strings.IndexByte(rest, '/') > 0
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// reader takes a packed entry apart and remembers whether it was too short.
type reader struct {
	rest   string
	broken bool
}

func (r *reader) byte() byte {
	s := r.take(1)
	if r.broken {
		return 0
	}
	return s[0]
}

func (r *reader) uvarint() int {
	v, shift := 0, 0
	for {
		b := r.byte()
		if r.broken || shift > 28 {
			r.broken = true
			return 0
		}
		v |= int(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
		shift += 7
	}
}

func (r *reader) take(n int) string {
	if r.broken || n > len(r.rest) {
		r.broken = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
