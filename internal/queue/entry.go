package queue

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Band is the queue of its host that an entry waits in. There is one for each [crawler.Priority].
// Within a band, the oldest entry is taken first. Redis stores the numbers; they are not
// the order in which bands are taken: see [BandOrder].
type Band uint8

// The bands.
const (
	BandFirst  Band = iota // high: seeds, and what pages embed
	BandNormal             // normal: links
	BandLow                // low: URLs that can wait
	BandUrgent             // urgent: URLs that are wanted now
)

// Bands is the number of bands.
const Bands = 4

// BandOrder lists the bands in the order in which they are taken.
var BandOrder = [Bands]Band{BandUrgent, BandFirst, BandNormal, BandLow}

// Priorities lists the priorities of URLs in the bands of [BandOrder]: the highest first.
var Priorities = [Bands]crawler.Priority{
	crawler.PriorityUrgent, crawler.PriorityHigh, crawler.PriorityNormal, crawler.PriorityLow,
}

// Priority returns the priority of the URLs in the band.
func (b Band) Priority() crawler.Priority { return Priorities[slices.Index(BandOrder[:], b)] }

// Entry is a URL in the frontier.
type Entry struct {
	URL      crawler.URL
	Referrer crawler.URL // the page that linked to it; zero for a seed
	Depth    int         // number of links from a seed; 0 for a seed
	Band     Band        // determined by the queue that the entry waits in; not packed
	Hops     int         // redirects between hosts that led here
	Tries    int         // fetches that failed in a way that may pass
	Spared   int         // fetches that failed because of the host, which do not count as tries
	Embeds   int         // resources in a row that led here from a page; 0 for a page itself
	Lost     int         // visits that broke while holding the entry, up to 127
	// Sitemap is the level of a sitemap: 0 for a page, 1 for a sitemap that robots.txt
	// names, 2 for one that an index lists, up to SitemapLevels.
	Sitemap int
	// Chain describes the redirects between hosts that led here. It is zero for none, or if
	// it would make no difference.
	Chain Chain
	// Passed is what a handler passes to the page's handlers and adds to its request, encoded;
	// "" for nothing.
	Passed string
	// Page is the page in a continuous job that has fetched it before.
	Page Tracked
}

// Chain describes the redirects between hosts that led to an entry.
type Chain struct {
	From    crawler.URL // where the redirects began; zero for no chain
	Seed    bool        // From is a seed
	Cookies bool        // a response on the way set cookies
	// Again says that the entry's URL is From, which was fetched before the cookies were
	// set and has a record. The result of this fetch belongs to the record of Via, which
	// redirected back to it.
	Again bool
}

// Recorded returns the entry that a record is written for.
func (e Entry) Recorded() Entry {
	if e.Chain.Again {
		e.URL, e.Referrer = e.Referrer, e.Chain.From
	}
	return e
}

// Bits of an entry's flags.
const (
	flagHTTPS     = 1 << iota
	flagVia       // a via follows
	flagViaSuffix // the via has the URL's origin, and shares a prefix with it
	flagSpared    // Spared follows Tries
	flagSitemap   // the lower of two bits for the level of a sitemap
	_
	flagEmbeds // Embeds follows these
	flagChain  // Chain follows these
)

// Bits of a packed chain.
const (
	chainSeed = 1 << iota
	chainCookies
	chainAgain
	chainPassed // len(passed) passed follow
)

// The first byte of a packed entry.
const (
	lostPage      = 1 << 7 // a tracked page follows
	maxPackedLost = lostPage - 1
)

// maxPackedLevels is the largest level of a sitemap that fits the flags.
const maxPackedLevels = 3

// Pack encodes e as the frontier stores it, for the queue of e.URL.Host(). The scheme and
// the host are not repeated, and the via shares the prefix of the URL. The first byte is
// Lost, so that a script can increment it; its highest bit says that a tracked page follows.
//
//	lost [page] flags depth hops tries [spared] [embeds] [chain bits len(from) from [len(passed) passed]]
//	len(path) path [len(shared prefix)] [via]
func (e Entry) Pack() string {
	path := e.URL.Path()
	flags := byte(min(e.Sitemap, maxPackedLevels)) * flagSitemap
	if e.URL.Scheme() == "https" {
		flags |= flagHTTPS
	}
	var via string
	shared := 0
	switch {
	case e.Referrer.IsZero():
	case originOf(e.Referrer) == originOf(e.URL):
		flags |= flagVia | flagViaSuffix
		shared = commonPrefix(e.URL.Path(), e.Referrer.Path())
		via = e.Referrer.Path()[shared:]
	default:
		flags |= flagVia
		via = e.Referrer.String()
	}
	if e.Spared > 0 {
		flags |= flagSpared
	}
	if e.Embeds > 0 {
		flags |= flagEmbeds
	}
	if !e.Chain.From.IsZero() || e.Passed != "" {
		flags |= flagChain
	}
	b := make([]byte, 0, 18+trackedSize+len(path)+len(via)+len(e.Chain.From.String())+len(e.Passed))
	b = append(b, byte(min(e.Lost, maxPackedLost)))
	if e.Page.Known() {
		b[0] |= lostPage
		b = e.Page.pack(b)
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(e.Depth))
	b = binary.AppendUvarint(b, uint64(e.Hops))
	b = binary.AppendUvarint(b, uint64(e.Tries))
	if e.Spared > 0 {
		b = binary.AppendUvarint(b, uint64(e.Spared))
	}
	if e.Embeds > 0 {
		b = binary.AppendUvarint(b, uint64(e.Embeds))
	}
	if flags&flagChain != 0 {
		b = e.Chain.pack(b, e.Passed)
	}
	b = binary.AppendUvarint(b, uint64(len(path)))
	b = append(b, path...)
	if flags&flagViaSuffix != 0 {
		b = binary.AppendUvarint(b, uint64(shared))
	}
	b = append(b, via...)
	return string(b)
}

// UnpackEntry decodes an entry from the queue of h. It returns an error for bytes that Pack
// did not write.
func UnpackEntry(h crawler.Host, band Band, packed string) (Entry, error) {
	r := reader{rest: packed}
	e := Entry{Band: band, Lost: int(r.byte())}
	if e.Lost&lostPage != 0 {
		e.Lost, e.Page = e.Lost&^lostPage, r.tracked()
	}
	flags := r.byte()
	e.Sitemap = int(flags / flagSitemap & maxPackedLevels)
	e.Depth = r.uvarint()
	e.Hops = r.uvarint()
	e.Tries = r.uvarint()
	if flags&flagSpared != 0 {
		e.Spared = r.uvarint()
	}
	if flags&flagEmbeds != 0 {
		e.Embeds = r.uvarint()
	}
	if flags&flagChain != 0 {
		e.Chain, e.Passed = r.chain()
	}
	path := r.take(r.uvarint())
	scheme := "http://"
	if flags&flagHTTPS != 0 {
		scheme = "https://"
	}
	origin := scheme + string(h)
	if r.broken = r.broken || !strings.HasPrefix(path, "/"); !r.broken {
		e.URL = crawler.CanonicalURL(origin + path)
	}
	switch {
	case r.broken:
	case flags&flagViaSuffix != 0:
		shared := r.uvarint()
		referrer := path[:min(shared, len(path))] + r.rest
		if r.broken = r.broken || shared > len(path) || !strings.HasPrefix(referrer, "/"); !r.broken {
			e.Referrer = crawler.CanonicalURL(origin + referrer)
		}
	case flags&flagVia != 0:
		if r.broken = !absolute(r.rest); !r.broken {
			e.Referrer = crawler.CanonicalURL(r.rest)
		}
	default:
		r.broken = r.rest != ""
	}
	if r.broken {
		return Entry{}, fmt.Errorf("invalid entry of host %q: %q", h, urltext.Clip(packed))
	}
	return e, nil
}

// originOf returns the scheme and the host of a URL.
func originOf(u crawler.URL) string {
	href := u.String()
	return href[:len(href)-len(u.Path())]
}

// absolute reports whether s has the parts of a canonical URL.
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

// reader decodes a packed entry and remembers whether it was too short.
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

// pack appends the chain, and what is passed.
func (c Chain) pack(b []byte, passed string) []byte {
	bits := byte(0)
	if c.Seed {
		bits |= chainSeed
	}
	if c.Cookies {
		bits |= chainCookies
	}
	if c.Again {
		bits |= chainAgain
	}
	if passed != "" {
		bits |= chainPassed
	}
	from := c.From.String()
	b = binary.AppendUvarint(append(b, bits), uint64(len(from)))
	b = append(b, from...)
	if passed != "" {
		b = append(binary.AppendUvarint(b, uint64(len(passed))), passed...)
	}
	return b
}

// chain decodes what Chain.pack encoded.
func (r *reader) chain() (c Chain, passed string) {
	bits := r.byte()
	from := r.take(r.uvarint())
	if bits&chainPassed != 0 {
		passed = r.take(r.uvarint())
		r.broken = r.broken || passed == ""
	}
	if from == "" && passed != "" && !r.broken {
		return Chain{}, passed
	}
	if r.broken = r.broken || !absolute(from); r.broken {
		return Chain{}, ""
	}
	return Chain{From: crawler.CanonicalURL(from), Seed: bits&chainSeed != 0, Cookies: bits&chainCookies != 0,
		Again: bits&chainAgain != 0}, passed
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

// IsSeed reports whether the entry is a seed, as opposed to a URL that was found, or whose page is
// fetched again: what such a page leads to was decided when it was first found.
func (e Entry) IsSeed() bool {
	if s, err := recrawl.Parse([]byte(e.Page.State)); err == nil && s.Last > 0 {
		return e.Page.Seed && s.Flags.Has(recrawl.Unseen)
	}
	return e.Referrer.IsZero() && e.Depth == 0 && e.Sitemap == 0 && e.Embeds == 0
}

// SitemapLevels is how deeply indexes of sitemaps are followed: a sitemap that robots.txt
// or a user names, what it lists, and what that lists. The protocol of sitemaps.org has two
// levels; some sites need one more.
const SitemapLevels = 3

// Opened is what an operator allowed one job to connect to, in addition to public
// addresses. It never includes the metadata services of clouds.
type Opened struct {
	Hosts    []crawler.Host // allowed whatever they resolve to, at their port
	Networks []netip.Prefix // such as 10.0.0.0/8
	Private  bool           // all private addresses
}

// Origin says how a job was created, as far as workers need to know: see Opens, Owner and
// After of [crawler.Status]. The zero value opens nothing, and any worker can run the job.
type Origin struct {
	Opens bool
	Owner string
	After string
}

// Kept says where a worker keeps the pages of a job.
type Kept struct {
	Worker  string `json:"worker"`
	Machine string `json:"machine"`
	Where   string `json:"where"` // a folder on that machine, or the URL of a bucket
	Pages   int64  `json:"pages"` // pages that the worker's visits fetched, as far as reported
}

// BandOf returns the band for URLs of a priority; for the usual priority, it returns usual.
func BandOf(p crawler.Priority, usual Band) Band {
	if i := slices.Index(Priorities[:], p); i >= 0 {
		return BandOrder[i]
	}
	return usual
}
