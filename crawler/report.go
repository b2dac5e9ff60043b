package crawler

import "time"

// Ending says why a visit ended.
type Ending string

// The endings of visits.
const (
	EndDry     Ending = "dry"     // nothing waits at the host
	EndBound   Ending = "bound"   // the visit's bound of time or pages
	EndPause   Ending = "pause"   // the host is to be left alone for longer than the visit lasts
	EndLost    Ending = "lost"    // the host is given up
	EndSpent   Ending = "spent"   // a budget of the job
	EndShare   Ending = "share"   // another job, or a host with urgent URLs, should have the place
	EndDrained Ending = "drained" // the worker or the job stops
	EndStale   Ending = "stale"   // the host was given to another visit
	EndWaits   Ending = "waits"   // pages of the job cannot be kept here, and no more are fetched
	EndError   Ending = "error"   // trouble of our own
)

// Report is what a visit has to tell: the result of its task.
type Report struct {
	Host   Host   `json:"host"`
	Ending Ending `json:"ending"`
	Pages  int64  `json:"pages"` // fetched
	Bytes  int64  `json:"bytes"` // of all bodies
	Links  int64  `json:"links"` // new URLs admitted
	// Incomplete is how many of the pages lack a required field.
	Incomplete int64           `json:"incomplete,omitempty"`
	Asked      int64           `json:"asked"` // URLs for which a request was made
	Answer     time.Duration   `json:"-"`     // how long those requests took, in sum
	Outcomes   map[Outcome]int `json:"outcomes,omitempty"`
	First      string          `json:"first,omitempty"`   // URL
	Last       string          `json:"last,omitempty"`    // URL
	Trouble    string          `json:"trouble,omitempty"` // the first URL that was not fetched as it should, and why
	Failure    string          `json:"failure,omitempty"` // the first URL that failed for good, and why
	Duration   time.Duration   `json:"-"`
	MS         int64           `json:"ms"` // Duration in milliseconds
}

// note adds one settled URL.
func (r *Report) note(e *errand) {
	r.count(e.result.Outcome, 1)
	if e.result.Outcome == OutcomeFetched {
		r.Pages++
	}
	if e.incomplete() {
		r.Incomplete++
	}
	r.Bytes += e.bytes()
	if p := e.result.Page; p != nil {
		r.Asked++
		r.Answer += p.Duration
	}
	url := e.result.Entry.URL.String()
	if r.First == "" {
		r.First = url
	}
	r.Last = url
	if r.Failure == "" && e.result.Outcome == OutcomeFailed {
		r.Failure = url + ": " + e.result.Reason
	}
	if r.Trouble == "" && e.result.Reason != "" && e.result.Outcome != OutcomeRetry {
		r.Trouble = url + ": " + e.result.Reason
	}
}

// count adds n URLs of an outcome.
func (r *Report) count(o Outcome, n int) {
	if r.Outcomes == nil {
		r.Outcomes = make(map[Outcome]int)
	}
	r.Outcomes[o] += n
}
