package change

import (
	"hash/maphash"
	"slices"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// Class is what came of a page.
type Class string

// The classes.
const (
	New       Class = "new"       // the URL has a page, and none was known
	Changed   Class = "changed"   // its text or its status is different
	Gone      Class = "gone"      // it had a page, and no longer has: not found, or answered 404 or 410
	Moved     Class = "moved"     // it redirects to another URL than before, or another URL has its content
	Back      Class = "back"      // it has a page again: it was gone, had moved or could not be fetched
	Unchanged Class = "unchanged" // it has the same page
	None      Class = ""          // it had no page and has none
)

// Classes lists the classes that are told, in the order in which they are shown.
var Classes = []Class{New, Changed, Gone, Moved, Back}

// Told reports whether the class is a change.
func (c Class) Told() bool { return c != Unchanged && c != None }

// TextDistance is in how many of their 64 bits the fingerprints of two texts may differ for a page
// to count as unchanged (Manku, Jain, Das Sarma: Detecting near-duplicates for web crawling, 2007:
// three). With a main text, what surrounds it, such as the date in a footer, does not count at all.
const TextDistance = 3

// Exact, instead of a distance, compares bodies by their digests.
const Exact = -1

// State is how one look found a URL. The zero State is that of a URL that was not met.
type State struct {
	// Text is the fingerprint of the text; 0 if it is unknown.
	Text uint64
	// Content is a hash of the digest of the body, or of the URL that the URL redirects to; 0 if
	// neither is known. Hashes differ between processes.
	Content uint64
	// Status is the status of HTTP; 0 for none.
	Status uint16
	// Main says that Text is that of the main text, without menus and other surroundings.
	Main bool

	outcome uint8 // its index in outcomes, counted from 1
}

// outcomes are those that a record can have.
var outcomes = []crawler.Outcome{
	crawler.OutcomeFetched, crawler.OutcomeNotModified, crawler.OutcomeRedirected, crawler.OutcomeFollowed,
	crawler.OutcomeDisallowed, crawler.OutcomeBlocked, crawler.OutcomePaymentRequired, crawler.OutcomeGone,
	crawler.OutcomeRetry, crawler.OutcomeFailed, crawler.OutcomeSkipped,
}

// other is the index of an outcome that is not in the list, such as that of a later version.
const other = 255

var seed = maphash.MakeSeed()

// Hash returns the hash of a digest or of a URL, for [State.Content]; 0 for "".
func Hash(text string) uint64 {
	if text == "" {
		return 0
	}
	return maphash.String(seed, text)
}

// WithOutcome returns the state with an outcome; "" for a URL that was not met.
func (s State) WithOutcome(o crawler.Outcome) State {
	s.outcome = uint8(slices.Index(outcomes, o) + 1)
	if s.outcome == 0 && o != "" {
		s.outcome = other
	}
	return s
}

// Outcome returns the outcome; "" for a URL that was not met.
func (s State) Outcome() crawler.Outcome {
	switch s.outcome {
	case 0:
		return ""
	case other:
		return "other"
	}
	return outcomes[s.outcome-1]
}

// There reports whether the URL had a page.
func (s State) There() bool {
	return s.Outcome() == crawler.OutcomeFetched || s.Outcome() == crawler.OutcomeNotModified
}

// Absent reports whether the URL was not met, or the site says that it is gone or redirects. A URL
// that merely could not be fetched is neither there nor absent.
func (s State) Absent() bool {
	switch s.Outcome() {
	case "", crawler.OutcomeGone, crawler.OutcomeRedirected:
		return true
	}
	return false
}

// String returns the state for people: a status, an outcome, or "" for a URL that was not met.
func (s State) String() string {
	if s.Status != 0 && s.Outcome() != crawler.OutcomeRedirected {
		return strconv.Itoa(int(s.Status))
	}
	return string(s.Outcome())
}

// Classify returns what came of a URL between two looks. distance is in how many bits the
// fingerprints of two texts may differ for a page to be unchanged: [TextDistance], 0 to 64, or
// [Exact]. Where both texts are unknown, digests are compared.
//
// A page that could not be fetched the second time counts as changed, because its status differs:
// its host may only be down.
func Classify(was, now State, distance int) Class {
	redirects := now.Outcome() == crawler.OutcomeRedirected
	switch {
	case now.There() && was.There():
		if now.same(was, distance) {
			return Unchanged
		}
		return Changed
	case now.There() && was.lost():
		return Back
	case now.There():
		return New
	case redirects && was.There(),
		redirects && was.Outcome() == crawler.OutcomeRedirected && now.elsewhere(was):
		return Moved
	case was.There() && now.Absent():
		return Gone
	case was.There():
		return Changed
	case was.outcome == 0 || now.outcome == 0 || was.String() == now.String():
		return None
	case now.Outcome() == crawler.OutcomeGone && !was.Absent():
		return Gone // it could not be fetched, and is known to be gone now
	}
	return Changed // no page, for another reason
}

// lost reports whether a URL was known to have no page, or not to send it.
func (s State) lost() bool {
	return s.Outcome() == crawler.OutcomeRedirected || s.Outcome().Failure()
}

// elsewhere reports whether a URL redirects to another URL than before.
func (s State) elsewhere(was State) bool {
	return s.Content != 0 && was.Content != 0 && s.Content != was.Content
}

// same reports whether a page is unchanged.
func (s State) same(was State, distance int) bool {
	if s.Outcome() == crawler.OutcomeNotModified {
		return true
	}
	if s.Content == was.Content && s.Status == was.Status && s.Content != 0 {
		return true
	}
	if distance != Exact && s.Text != 0 && was.Text != 0 && s.Main == was.Main {
		return s.Status == was.Status && simhash.Distance(s.Text, was.Text) <= distance
	}
	return s.Content == was.Content && s.Status == was.Status && s.outcome == was.outcome
}
