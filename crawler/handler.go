package crawler

import (
	"context"
	"encoding/json"
	"errors"
)

// Handlers are a program's own code for the pages of a job. They are safe for
// concurrent use.
type Handlers interface {
	// Handle gives a page that was fetched and read to the functions that are for
	// it, and returns what they made of it. After an error nothing of that counts,
	// and the page is tried again, unless the error is [ErrNoRetry].
	Handle(ctx context.Context, h Handed) (Yield, error)
	// Deliver is told results when they are kept and before their URLs are settled;
	// Mail is what Handle returned. It may be told some again, when a worker was
	// lost or Deliver failed. An error that is ErrUnavailable is waited out; after
	// any other the visit ends, and the pages are fetched again.
	Deliver(ctx context.Context, results []*Result) error
}

// ErrNoRetry says of what a handler could not do that to try again is of no use:
// the page ends as failed.
var ErrNoRetry = errors.New("it is not tried again")

// Handed is a page in the hands of handlers. They must change nothing of it, and
// hold on to nothing of it when they return.
type Handed struct {
	Job      string
	Entry    Entry
	Page     *Page     // with a body
	Document *Document // nil when the page was not parsed
	// Refuses says why a link of the page is not the job's; "" when it is.
	Refuses func(URL) string
}

// Yield is what handlers made of a page. It counts with the page, or not at all.
type Yield struct {
	Items []Item
	Links []URL // to be admitted; those that the job refuses are left out
	Mail  any   // for Deliver; nil for nothing
}

// Item is a thing that a handler found in a page.
type Item struct {
	Value any             // as the handler emitted it
	JSON  json.RawMessage // as it is kept
}

// itemBytes is how many bytes of items there are.
func (r *Result) itemBytes() int64 {
	n := 0
	for _, item := range r.Items {
		n += len(item.JSON)
	}
	return int64(n)
}
