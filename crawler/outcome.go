package crawler

// Outcome is the fate of one URL. The set is closed: every URL that was ever
// seen is waiting, in flight, or has exactly one final outcome.
type Outcome string

// The outcomes. All but OutcomeRetry are final.
const (
	OutcomeFetched     Outcome = "fetched"      // a body came back with a status of 2xx
	OutcomeNotModified Outcome = "not_modified" // 304
	OutcomeRedirected  Outcome = "redirected"   // it points to a URL that has its own fate
	OutcomeFollowed    Outcome = "followed"     // reached by a redirect, within the record of the URL that led here
	OutcomeDisallowed  Outcome = "disallowed"   // robots.txt forbids it, or could not be had
	OutcomeGone        Outcome = "gone"         // 404 or 410
	OutcomeRetry       Outcome = "retry"        // failed in a way that may pass; it waits to be tried again
	OutcomeFailed      Outcome = "failed"       // failed for good, or too often
	OutcomeSkipped     Outcome = "skipped"      // not asked for: a rule or a budget of the job forbids it
)

// Outcomes lists every outcome, in the order in which they are shown.
var Outcomes = []Outcome{
	OutcomeFetched, OutcomeNotModified, OutcomeRedirected, OutcomeFollowed, OutcomeDisallowed,
	OutcomeGone, OutcomeFailed, OutcomeSkipped, OutcomeRetry,
}

// Final reports whether the URL is done with.
func (o Outcome) Final() bool { return o != OutcomeRetry }
