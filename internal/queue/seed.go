package queue

import (
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// MaxRefusals is the largest number of refusals that a [crawler.Seeding] lists.
const MaxRefusals = 100

// Refuse counts a URL that was refused, and lists it if there is room.
func Refuse(s *crawler.Seeding, r crawler.Refusal) {
	s.Refused++
	if len(s.Refusals) < MaxRefusals {
		r.URL = urltext.Clip(r.URL)
		s.Refusals = append(s.Refusals, r)
	}
}

// ErrLogin says that a URL has a user name or a password which would be stored with it,
// where the whole fleet can read it.
var ErrLogin = errors.New("it has a user name or a password, which would be stored where everyone can read it: remove it, and put it into a rule of the setting access")

// ParseSeed parses a URL that is stored before it is fetched. Unlike [crawler.ParseURL], it
// returns an error that wraps [ErrLogin] if there is a user name or a password, because
// these must not be stored.
func ParseSeed(s string) (crawler.URL, error) {
	u, err := crawler.ParseURL(s)
	if err == nil && !urltext.LoginOf(s).IsZero() {
		return crawler.URL{}, fmt.Errorf("%q: %w", urltext.Clip(s), ErrLogin)
	}
	return u, err
}
