package crawler

import "github.com/trawlcrawler/trawl/internal/urltext"

// Seeding is the result of adding URLs to a job.
type Seeding struct {
	Admitted int64     `json:"admitted"`           // new to the job
	Seen     int64     `json:"seen"`               // already seen
	Refused  int64     `json:"refused"`            // not URLs that can be crawled
	Refusals []Refusal `json:"refusals,omitempty"` // the first MaxRefusals refusals
}

// MaxRefusals is the largest number of refusals that a Seeding lists.
const MaxRefusals = 100

// Refusal is one URL that was refused.
type Refusal struct {
	Line   int64  `json:"line"` // in the list, from 1; 0 if it was not in a list
	URL    string `json:"url"`  // its beginning, if it is long
	Reason string `json:"reason"`
}

// Refuse counts a URL that was refused, and lists it if there is room.
func (s *Seeding) Refuse(r Refusal) {
	s.Refused++
	if len(s.Refusals) < MaxRefusals {
		r.URL = urltext.Clip(r.URL)
		s.Refusals = append(s.Refusals, r)
	}
}
