package export

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// view is what a differ knows about a crawl: the state of each URL.
type view struct {
	survey *survey
	where  Condition
	states map[uint64]state
}

// state is how a crawl found a URL. The zero state is that of a URL that it did not find.
type state struct {
	digest  uint64 // a hash of the digest; 0 for none
	owner   uint32 // a hash of the URL of the record that says so
	status  uint16
	outcome uint8 // index in queue.Outcomes, counted from 1
}

func (s state) of() crawler.Outcome {
	if s.outcome == 0 {
		return ""
	}
	return queue.Outcomes[s.outcome-1]
}

// there reports whether the URL had a page.
func (s state) there() bool {
	return s.of() == crawler.OutcomeFetched || s.of() == crawler.OutcomeNotModified
}

// absent reports whether the crawl did not find the URL, or the site says that it is gone
// or redirects. A URL that merely could not be fetched is neither there nor absent.
func (s state) absent() bool {
	switch s.of() {
	case "", crawler.OutcomeGone, crawler.OutcomeRedirected:
		return true
	}
	return false
}

// same reports whether a page is unchanged.
func (s state) same(was state) bool {
	if s.of() == crawler.OutcomeNotModified && was.there() {
		return true
	}
	return s.digest == was.digest && s.status == was.status && s.outcome == was.outcome
}

// String returns the state for people: a status, an outcome, or "" for none.
func (s state) String() string {
	if s.status != 0 && s.of() != crawler.OutcomeRedirected {
		return strconv.Itoa(int(s.status))
	}
	return string(s.of())
}

// finding is what a record says about a URL. The record of a redirected fetch yields two:
// the first URL was redirected, and the last has the page.
type finding struct {
	URL      string          `json:"url"`
	FinalURL string          `json:"final_url"`
	Status   int             `json:"status"`
	Outcome  crawler.Outcome `json:"outcome"`
	Digest   string          `json:"digest"`

	owner uint32
}

func (f finding) state() state {
	s := state{owner: f.owner, status: uint16(f.Status), outcome: uint8(slices.Index(queue.Outcomes, f.Outcome) + 1)}
	if f.Digest != "" {
		s.digest = hashOf(f.Digest)
	}
	return s
}

// findings lists what a record says.
func findings(line []byte) ([]finding, error) {
	var f finding
	if err := json.Unmarshal(line, &f); err != nil {
		return nil, err
	}
	f.owner = uint32(hashOf(f.URL))
	if f.FinalURL == f.URL || !f.state().there() {
		return []finding{f}, nil
	}
	first := finding{URL: f.URL, FinalURL: f.FinalURL, Outcome: crawler.OutcomeRedirected, owner: f.owner}
	f.URL = f.FinalURL
	return []finding{first, f}, nil
}

// newView reads the states of a crawl's URLs.
func newView(ctx context.Context, c *Crawl, where Condition, damaged func(at string, err error)) (*view, error) {
	s, err := surveyOf(ctx, c, damaged)
	if err != nil {
		return nil, err
	}
	v := &view{survey: s, where: where, states: make(map[uint64]state, s.pages)}
	return v, v.all(ctx, func(f finding) error {
		url, now := hashOf(f.URL), f.state()
		if was := v.states[url]; was.outcome == 0 || now.there() && !was.there() {
			v.states[url] = now
		}
		return nil
	})
}

// all calls do with all findings of the records that are selected.
func (v *view) all(ctx context.Context, do func(finding) error) error {
	return v.survey.each(ctx, func(r *Record) error {
		ok, err := v.where.Match(r)
		if !ok || err != nil {
			return err
		}
		found, err := findings(r.Line)
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := do(f); err != nil {
				return err
			}
		}
		return nil
	})
}

// each calls do with one finding of each URL: the one that determines its state.
func (v *view) each(ctx context.Context, do func(finding, state) error) error {
	return v.all(ctx, func(f finding) error {
		s := f.state()
		if v.state(f.URL) != s {
			return nil
		}
		return do(f, s)
	})
}

func (v *view) state(url string) state { return v.states[hashOf(url)] }
