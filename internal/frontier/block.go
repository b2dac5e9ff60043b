package frontier

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
)

// block is a block of the tracked pages of a host, as it was read. See lua/lib.lua.
type block struct {
	number int
	host   crawler.Host
	packed string // names
	slots  string

	names []string // decoded from packed, when they are first needed
	plain int      // how many of them are not packed
	bad   error
}

// blockNamed returns the block with a name in RETURNS, without its content.
func blockNamed(member string) (block, bool) {
	number, host, ok := strings.Cut(member, " ")
	n, err := strconv.Atoi(number)
	return block{number: n, host: crawler.Host(host)}, ok && err == nil && n >= 0
}

// key returns the key of the names or of the slots, without the base of the shard.
func (b *block) key(name string) string { return name + strconv.Itoa(b.number) + ":" + string(b.host) }

// pages returns how many pages the block has.
func (b *block) pages() int { return len(b.slots) / queue.SlotSize }

// slot returns what is kept of the page at a place.
func (b *block) slot(at int) (queue.Tracked, bool, error) {
	t, queued, err := queue.ParseSlot(b.slots[at*queue.SlotSize : (at+1)*queue.SlotSize])
	t.Block, t.At = b.number, at
	return t, queued, err
}

// state returns what is known of the page at a place, and whether it waits to be fetched again.
func (b *block) state(at int) (recrawl.State, bool, error) {
	t, queued, err := b.slot(at)
	if err != nil {
		return recrawl.State{}, false, err
	}
	state, err := recrawl.Parse([]byte(t.State))
	return state, queued, err
}

// decode decodes the names once.
func (b *block) decode() error {
	if b.names == nil && b.bad == nil {
		if b.names, b.plain, b.bad = pathblock.Unpack([]byte(b.packed)); b.bad != nil {
			b.bad = fmt.Errorf("block %d of host %s: %w", b.number, b.host, b.bad)
		}
	}
	return b.bad
}

// entry returns the entry with which the page at a place is queued again.
func (b *block) entry(at int) (queue.Entry, error) {
	if err := b.decode(); err != nil {
		return queue.Entry{}, err
	}
	if at >= len(b.names) {
		return queue.Entry{}, fmt.Errorf("block %d of host %s has %d names for %d pages", b.number, b.host, len(b.names),
			b.pages())
	}
	return queue.ParseName(b.host, b.names[at])
}

// valued returns the state of a page with the importance that the settings give it. A page that is
// not fetched again is an error.
func (b *block) valued(c *course, at int, s recrawl.State) (recrawl.State, error) {
	if len(c.values) == 0 {
		return s, nil
	}
	e, err := b.entry(at)
	if err != nil {
		return s, err
	}
	s, again := c.stateOf(s, e.URL)
	if !again {
		return s, fmt.Errorf("%s is not fetched again", e.URL)
	}
	return s, nil
}
