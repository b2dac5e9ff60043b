package export

import (
	"context"
	"fmt"
	"strings"
)

// Change is what became of a page between two crawls.
type Change string

// The changes.
const (
	ChangeNew     Change = "new"     // it is there, and was not
	ChangeChanged Change = "changed" // its content or its status is another
	ChangeGone    Change = "gone"    // it was there, and is not any more: not met, or answered 404 or 410
	ChangeMoved   Change = "moved"   // it is gone, and its content, or its redirect, is at a URL that is new
)

// Changes lists them in the order in which they are shown.
var Changes = []Change{ChangeNew, ChangeChanged, ChangeGone, ChangeMoved}

// Difference is one page that is not as it was.
type Difference struct {
	Change Change `json:"change"`
	URL    string `json:"url"`
	// To is where a page is now that moved.
	To string `json:"to,omitempty"`
	// Before and After are its states: "200", "404", an outcome, "" for a URL that
	// was not met. Where they are the same, the content is another.
	Before string `json:"before"`
	After  string `json:"after"`
	// Digest is that of the body as it is, or, of a page that is gone, as it was;
	// "" for none.
	Digest string `json:"digest,omitempty"`
}

// Comparison is how many pages became what.
type Comparison struct {
	Changes map[Change]int
	Same    int // pages that are as they were
	Damaged int // lines of either that are no records
}

// Diff compares two crawls, and tells each difference: first what is new, or
// moved, or changed, in the order of the second, then what is gone, in the order
// of the first. It takes about 60 bytes of memory for each page of both, and the
// URLs of those that are gone.
func Diff(ctx context.Context, before, after *Crawl, where Condition, damaged func(at string, err error), tell func(Difference) error) (Comparison, error) {
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

// String is the difference in a line: what became of which page, and how.
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
