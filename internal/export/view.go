package export

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// view is what a differ knows about a crawl: the state of each URL.
type view struct {
	survey *survey
	where  Condition
	states map[uint64]state
}

// state is how a crawl found a URL. The zero state is that of a URL that it did not find.
type state struct {
	change.State
	owner uint32 // a hash of the URL of the record that says so
}

// finding is what a record says about a URL. The record of a redirected fetch yields two:
// the first URL was redirected, and the last has the page.
type finding struct {
	URL       string          `json:"url"`
	FinalURL  string          `json:"final_url"`
	Status    int             `json:"status"`
	Outcome   crawler.Outcome `json:"outcome"`
	Digest    string          `json:"digest"`
	Simhash   string          `json:"simhash"`
	Text      string          `json:"text"`
	Title     string          `json:"title"`
	FetchedAt string          `json:"fetched_at"`
	SameAs    *crawler.SameAs `json:"same_as"`

	owner uint32
}

func (f finding) state() state {
	if f.SameAs != nil && f.Outcome == crawler.OutcomeNotModified { // it is what it was
		f.Outcome, f.Status, f.Digest = crawler.OutcomeFetched, http.StatusOK, f.SameAs.Digest
	}
	s := state{State: change.State{Status: uint16(f.Status)}.WithOutcome(f.Outcome), owner: f.owner}
	switch {
	case f.Outcome == crawler.OutcomeRedirected && f.FinalURL != f.URL:
		s.Content = change.Hash(f.FinalURL)
	case f.Outcome != crawler.OutcomeRedirected:
		s.Content = change.Hash(f.Digest)
	}
	if !s.There() {
		return s
	}
	if s.Text, s.Main = simhash.Of(f.Text), true; s.Text == 0 {
		s.Text, s.Main = simhash.Parse(f.Simhash), false
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
	if f.FinalURL == f.URL || !f.state().There() {
		return []finding{f}, nil
	}
	first := finding{URL: f.URL, FinalURL: f.FinalURL, Outcome: crawler.OutcomeRedirected, Digest: f.Digest,
		Title: f.Title, FetchedAt: f.FetchedAt, owner: f.owner}
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
		if was := v.states[url]; was.Outcome() == "" || now.There() && !was.There() {
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
