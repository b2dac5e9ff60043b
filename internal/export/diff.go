package export

import (
	"context"
	"fmt"
	"strings"
)

// Change is how a page changed between two crawls.
type Change string

// The changes.
const (
	ChangeNew     Change = "new"     // the page exists, and did not before
	ChangeChanged Change = "changed" // its content or its status is different
	ChangeGone    Change = "gone"    // the page existed, and no longer does: not found, or answered 404 or 410
	ChangeMoved   Change = "moved"   // it is gone, and a new URL has its content or is the target of its redirect
)

// Changes lists the changes in the order in which they are shown.
var Changes = []Change{ChangeNew, ChangeChanged, ChangeGone, ChangeMoved}

// Difference is one page that has changed.
type Difference struct {
	Change Change `json:"change"`
	URL    string `json:"url"`
	// To is the new URL of a page that has moved.
	To string `json:"to,omitempty"`
	// Before and After are the states of the page: "200", "404", an outcome, or "" for a
	// URL that was not found. If they are equal, the content differs.
	Before string `json:"before"`
	After  string `json:"after"`
	// Digest is the digest of the body, or of the last body of a page that is gone; ""
	// for none.
	Digest string `json:"digest,omitempty"`
}

// Comparison is how many pages changed in which way.
type Comparison struct {
	Changes map[Change]int
	Same    int // pages that have not changed
	Damaged int // lines of either crawl that are not records
}

// Diff compares two crawls and calls tell with each difference: first pages that are new,
// moved or changed, in the order of the second crawl, then pages that are gone, in the
// order of the first. It takes about 60 bytes of memory for each page of both crawls, and
// the URLs of the pages that are gone.
func Diff(ctx context.Context, before, after *Crawl, where Condition, damaged func(at string, err error),
	tell func(Difference) error) (Comparison, error) {
	d := &differ{
		ctx: ctx, tell: tell, sum: Comparison{Changes: make(map[Change]int)},
		gone: make(map[uint64]string), redirect: make(map[uint64]string), moved: make(map[uint64]bool),
	}
	var err error
	if d.before, err = newView(ctx, before, where, damaged); err != nil {
		return d.sum, err
	}
	if d.after, err = newView(ctx, after, where, damaged); err != nil {
		return d.sum, err
	}
	d.sum.Damaged = d.before.survey.damaged + d.after.survey.damaged
	err = d.compare()
	return d.sum, err
}

// String returns the difference as one line: what changed, the page, and how.
func (d Difference) String() string {
	var how string
	switch {
	case d.Change == ChangeMoved:
		how = "→ " + d.To
	case d.Change == ChangeChanged && d.Before == d.After:
		how = "content"
	case d.Change == ChangeChanged:
		how = d.Before + " → " + d.After
	case d.Change == ChangeGone && d.After == "":
		how = "not met"
	case d.Change == ChangeGone:
		how = d.After
	case d.Before != "":
		how = "was " + d.Before
	}
	return strings.TrimRight(fmt.Sprintf("%-8s %s  %s", d.Change, d.URL, how), " ")
}
