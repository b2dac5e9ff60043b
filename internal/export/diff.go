package export

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/internal/change"
)

// Comparison is how many pages changed in which way.
type Comparison struct {
	Changes  map[change.Class]int
	Same     int // pages that have not changed
	Damaged  int // lines of either crawl that are not records
	Textless int // changed pages whose texts were to be shown, and are not in the records
}

// DiffOrder says how two crawls are compared.
type DiffOrder struct {
	// Where selects records of both crawls. The zero Condition selects all.
	Where Condition
	// Distance is in how many bits the fingerprints of two texts may differ for a page to be
	// unchanged, or [change.Exact]. 0: in none.
	Distance int
	// Text adds what differs in the main texts of pages that have changed, if the records have
	// them.
	Text bool
	// Found adds to each change the title of the page and when the change was found.
	Found bool
	// Damaged is called for lines that are not records, which are skipped.
	Damaged func(at string, err error)
}

// Diff compares two crawls and calls tell with each difference: first pages that are new,
// moved, changed or back, in the order of the second crawl, then pages that are gone, in the
// order of the first. It takes about 80 bytes of memory for each page of both crawls, and
// the URLs of the pages that are gone. With texts, those that were replaced wait in a temporary
// file.
func Diff(ctx context.Context, before, after *Crawl, o DiffOrder,
	tell func(change.Page) error) (sum Comparison, err error) {
	d := &differ{
		ctx: ctx, tell: tell, order: o, sum: Comparison{Changes: make(map[change.Class]int)},
		gone: make(map[uint64]string), moved: make(map[uint64]bool), reached: make(map[uint64]bool),
	}
	if d.before, err = newView(ctx, before, o.Where, o.Damaged); err != nil {
		return d.sum, err
	}
	if d.after, err = newView(ctx, after, o.Where, o.Damaged); err != nil {
		return d.sum, err
	}
	d.sum.Damaged = d.before.survey.damaged + d.after.survey.damaged
	if o.Text {
		if d.texts, err = newTextStore(); err != nil {
			return d.sum, err
		}
		defer func() { err = errors.Join(err, d.texts.close()) }()
	}
	err = d.compare()
	return d.sum, err
}
