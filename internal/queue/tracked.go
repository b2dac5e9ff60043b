package queue

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Tracked is what a continuous job keeps of a page that it has fetched, and where. The zero value
// is a page that it was not asked for before.
type Tracked struct {
	Block, At int    // the block of its host, and the place in it, from 0
	State     string // as package recrawl packs it, before the fetch; StateSize bytes
	Fetches   int    // how often the page was fetched; counted up to mostFetches
	Follows   bool   // it redirects to a URL of its host whose page is its own
	Seed      bool   // it was a seed when it was tracked
}

const (
	// StateSize is how many bytes a packed [recrawl.State] has.
	StateSize = recrawl.Size
	// SlotSize is how many bytes the frontier keeps of a tracked page, besides its name.
	SlotSize = StateSize + 2

	mostFetches = 1<<13 - 1
)

// Bits of the last two bytes of a slot. The number of fetches is above them.
const (
	slotQueued = 1 << iota // the page waits to be fetched again; scripts set and clear it
	slotFollows
	slotSeed
	slotFetches = 3 // the position of the number
)

// Known reports whether the page is tracked.
func (t Tracked) Known() bool { return t.State != "" }

// Slot encodes what is kept of the page. queued says that it waits to be fetched again.
func (t Tracked) Slot(queued bool) string {
	bits := uint16(min(t.Fetches, mostFetches)) << slotFetches
	if queued {
		bits |= slotQueued
	}
	if t.Follows {
		bits |= slotFollows
	}
	if t.Seed {
		bits |= slotSeed
	}
	return string(binary.BigEndian.AppendUint16([]byte(t.State), bits))
}

// ParseSlot decodes what is kept of a page. The block and the place are the caller's.
func ParseSlot(slot string) (t Tracked, queued bool, err error) {
	if len(slot) != SlotSize {
		return Tracked{}, false, fmt.Errorf("invalid state of a page: %q", urltext.Clip(slot))
	}
	bits := binary.BigEndian.Uint16([]byte(slot[StateSize:]))
	return Tracked{State: slot[:StateSize], Fetches: int(bits >> slotFetches), Follows: bits&slotFollows != 0,
		Seed: bits&slotSeed != 0}, bits&slotQueued != 0, nil
}

// trackedSize is the size of a packed Tracked: block, place, slot.
const trackedSize = 4 + 2 + SlotSize

func (t Tracked) pack(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(t.Block))
	b = binary.BigEndian.AppendUint16(b, uint16(t.At))
	return append(b, t.Slot(true)...)
}

// tracked decodes what pack encoded.
func (r *reader) tracked() Tracked {
	s := r.take(trackedSize)
	if r.broken {
		return Tracked{}
	}
	t, _, err := ParseSlot(s[6:])
	r.broken = err != nil
	t.Block, t.At = int(binary.BigEndian.Uint32([]byte(s))), int(binary.BigEndian.Uint16([]byte(s[4:])))
	return t
}

// Bits of the attributes in a name.
const (
	nameHTTPS = 1 << iota
	nameEmbeds
	namePassed
	nameSitemap // the lower of two bits
)

// Name returns what the frontier keeps of a tracked entry to queue it again, without its host:
//
//	path 0 flags depth [embeds] [passed]
//
// The referrer is not part of it.
func (e Entry) Name() string {
	flags := byte(min(e.Sitemap, maxPackedLevels)) * nameSitemap
	if e.URL.Scheme() == "https" {
		flags |= nameHTTPS
	}
	if e.Embeds > 0 {
		flags |= nameEmbeds
	}
	if e.Passed != "" {
		flags |= namePassed
	}
	b := append([]byte(e.URL.Path()), 0, flags)
	b = binary.AppendUvarint(b, uint64(e.Depth))
	if e.Embeds > 0 {
		b = binary.AppendUvarint(b, uint64(e.Embeds))
	}
	return string(append(b, e.Passed...))
}

// ParseName returns the entry with which a tracked page of a host is queued again.
func ParseName(h crawler.Host, name string) (Entry, error) {
	path, rest, ok := strings.Cut(name, "\x00")
	r := reader{rest: rest, broken: !ok || !strings.HasPrefix(path, "/")}
	flags := r.byte()
	e := Entry{Band: BandLow, Depth: r.uvarint(), Sitemap: int(flags / nameSitemap & maxPackedLevels)}
	if flags&nameEmbeds != 0 {
		e.Embeds = r.uvarint()
	}
	if flags&namePassed != 0 {
		e.Passed, r.rest = r.rest, ""
	}
	if r.broken || r.rest != "" {
		return Entry{}, fmt.Errorf("invalid name of a page of host %q: %q", h, urltext.Clip(name))
	}
	scheme := "http://"
	if flags&nameHTTPS != 0 {
		scheme = "https://"
	}
	e.URL = crawler.CanonicalURL(scheme + string(h) + path)
	return e, nil
}

// Sighting is what a fetch of a page in a continuous job found. The zero value is that of a URL
// that belongs to the page of another.
type Sighting struct {
	Entry   Entry  // as it was taken
	Content uint32 // the fingerprint of the main text, or a hash of the body; only if Found
	Text    bool   // Content is a fingerprint: those of similar texts differ in few bits
	Found   bool   // a response says what the page is now
	Same    bool   // the server said that the page is the same as before: Content is unknown
	Gone    bool   // the server said that there is no such page
	Moved   bool   // the page redirects to one of its own fate
	Follows bool   // as in [Tracked]
	// Returns says that the page is to be fetched again, although its outcome is that of a rule.
	Returns bool
	// Keeps is for how long a sitemap or a feed stays as it is, as it says itself, or its server;
	// 0 if they say nothing.
	Keeps time.Duration
}

// Change says what became of a page since it was last fetched, given in how many bits fingerprints
// must differ to count as a change. It is "" if the fetch did not tell.
func (s Sighting) Change(distance int) crawler.PageChange {
	if !s.Found && !s.Same && !s.Gone {
		return ""
	}
	before, err := recrawl.Parse([]byte(s.Entry.Page.State))
	wasGone := err == nil && before.Flags.Has(recrawl.Gone)
	switch {
	case s.Gone && wasGone:
		return crawler.ChangeUnchanged
	case err != nil, before.Last == 0, before.Flags.Has(recrawl.Unseen):
		if s.Gone {
			return crawler.ChangeGone
		}
		return crawler.ChangeNew
	case s.Gone && !wasGone:
		return crawler.ChangeGone
	case wasGone && !s.Gone:
		return crawler.ChangeBack
	case s.Same || !s.differs(before.Content, distance):
		return crawler.ChangeUnchanged
	case s.Moved:
		return crawler.ChangeMoved
	}
	return crawler.ChangeChanged
}

// differs reports whether a page is not what it was.
func (s Sighting) differs(before uint32, distance int) bool {
	if !s.Text {
		return before != s.Content
	}
	return bits.OnesCount32(before^s.Content) >= distance
}

// Rationed says that a visit may take none of the URLs that wait at its host now, because the
// budget of a continuous job is used up for the moment. It is an error.
type Rationed struct {
	Wait time.Duration // until the visit's host should be visited again
}

func (r *Rationed) Error() string {
	return "the budget of the job is used up for the next " + r.Wait.String()
}
