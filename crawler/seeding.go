package crawler

// Seeding is what became of URLs that were brought to a job.
type Seeding struct {
	Admitted int64     `json:"admitted"`           // new to the job
	Seen     int64     `json:"seen"`               // known before
	Refused  int64     `json:"refused"`            // no URL that can be crawled
	Refusals []Refusal `json:"refusals,omitempty"` // the first MaxRefusals that were refused
}

// MaxRefusals is how many refusals a Seeding lists.
const MaxRefusals = 100

// Refusal is one URL that was refused.
type Refusal struct {
	Line   int64  `json:"line"` // in the list, from 1; 0 when it was in none
	URL    string `json:"url"`  // its beginning, if it is long
	Reason string `json:"reason"`
}

// Refuse counts a URL that was refused, and lists the first.
func (s *Seeding) Refuse(r Refusal) {
	s.Refused++
	if len(s.Refusals) < MaxRefusals {
		r.URL = clip(r.URL)
		s.Refusals = append(s.Refusals, r)
	}
}
