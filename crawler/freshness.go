package crawler

import "time"

// Freshness is how up to date the pages of a continuous job are. It is computed about once a
// minute, of a job with more than 100,000 pages from a sample.
type Freshness struct {
	At    time.Time `json:"at"`    // when it was computed, by Redis's clock
	Pages int64     `json:"pages"` // pages that are fetched again
	// UpToDate is the estimated share of pages that are as they were when they were last
	// fetched, from 0 to 1.
	UpToDate float64 `json:"up_to_date"`
	// Oldest is when the page was fetched whose last fetch is the longest ago; zero if there
	// are no pages.
	Oldest time.Time `json:"oldest,omitzero"`
	Budget float64   `json:"budget"` // fetches a day
	Used   int64     `json:"used"`   // fetches in the last day, up to an hour more or less
	// Enough is the budget, in fetches a day, that would keep the share Wanted of the pages up to
	// date; 0 if none would, because some change faster than they may be fetched.
	Enough float64 `json:"enough"`
	Wanted float64 `json:"wanted"`
	// Next is when some page may be due next; zero if there are no pages.
	Next time.Time `json:"next,omitzero"`
}

// PageChange is what became of a page of a continuous job since it was last fetched.
type PageChange string

// The changes of a page.
const (
	ChangeNew       PageChange = "new"       // it was fetched for the first time
	ChangeChanged   PageChange = "changed"   // its main text is another one
	ChangeUnchanged PageChange = "unchanged" // it is as it was
	ChangeGone      PageChange = "gone"      // there is no such page any more: 404 or 410
	ChangeMoved     PageChange = "moved"     // it redirects to another page, or to another one than before
	ChangeBack      PageChange = "back"      // it was gone, and is there again
)
