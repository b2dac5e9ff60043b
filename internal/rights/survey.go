package rights

import (
	"cmp"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxDistinct is how many different statements of a host are counted one by one.
const maxDistinct = 100

// Survey counts what sites say, by host. The zero Survey is empty.
type Survey struct{ hosts map[crawler.Host]*HostRights }

// HostRights counts what is said about the pages of a host.
type HostRights struct {
	Host     crawler.Host `json:"host"`
	Pages    int64        `json:"pages"`
	Stated   int64        `json:"stated"`   // pages about which anything is said
	Reserved int64        `json:"reserved"` // pages that are reserved for the purpose
	// Statements are the different statements, the most frequent first, without URL and time.
	Statements []Counted `json:"statements,omitempty"`
	// Omitted is how many pages have statements that are not listed, because the host has too
	// many different ones.
	Omitted int64 `json:"omitted,omitempty"`

	counts map[crawler.Statement]int64
}

// Counted is a statement, and how many pages have it.
type Counted struct {
	Vocabulary string `json:"vocabulary"`
	Statement  string `json:"statement"`
	Value      string `json:"value,omitempty"`
	Source     string `json:"source"`
	Error      string `json:"error,omitempty"`
	Pages      int64  `json:"pages"`
}

// Text says what a counted statement says, for people.
func (c Counted) Text() string {
	text := Text(crawler.Statement{
		Vocabulary: c.Vocabulary, Statement: c.Statement, Value: c.Value, Source: c.Source,
	})
	if c.Error != "" {
		text += ", which cannot be read"
	}
	return text
}

// Add counts a page of a host, and what is said about it.
func (s *Survey) Add(host crawler.Host, said crawler.Rights, reserved bool) {
	h := s.hosts[host]
	if h == nil {
		h = &HostRights{Host: host}
		if s.hosts == nil {
			s.hosts = make(map[crawler.Host]*HostRights)
		}
		s.hosts[host] = h
	}
	h.Pages++
	if reserved {
		h.Reserved++
	}
	if len(said) > 0 {
		h.Stated++
		h.count(said)
	}
}

func (h *HostRights) count(all []crawler.Statement) {
	omitted := false
	for _, s := range all {
		s.Where, s.At = "", ""
		if _, known := h.counts[s]; !known && len(h.counts) == maxDistinct {
			omitted = true
			continue
		}
		if h.counts == nil {
			h.counts = make(map[crawler.Statement]int64)
		}
		h.counts[s]++
	}
	if omitted {
		h.Omitted++
	}
}

// Hosts returns the hosts: those with the most reserved pages first, then those with the
// most pages about which anything is said.
func (s *Survey) Hosts() []HostRights {
	all := make([]HostRights, 0, len(s.hosts))
	for _, h := range s.hosts {
		h.Statements = nil
		for said, pages := range h.counts {
			h.Statements = append(h.Statements,
				Counted{said.Vocabulary, said.Statement, said.Value, said.Source, said.Error, pages})
		}
		slices.SortFunc(h.Statements, func(a, b Counted) int {
			return cmp.Or(cmp.Compare(b.Pages, a.Pages), cmp.Compare(a.Text(), b.Text()))
		})
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b HostRights) int {
		return cmp.Or(cmp.Compare(b.Reserved, a.Reserved), cmp.Compare(b.Stated, a.Stated), cmp.Compare(a.Host, b.Host))
	})
	return all
}
