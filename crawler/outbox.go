package crawler

import "context"

// Outbox is a [Sink] whose records are only on this machine when they are kept, and
// are brought to where they belong later, a segment at a time.
type Outbox interface {
	Sink
	// KeepIn is Keep. It returns the name of the segment that the results are in, for
	// [Settlement], and release, which the caller calls once they are settled, or are not
	// going to be: the segment is not finished before. Neither is set with an error.
	KeepIn(ctx context.Context, results []*Result) (segment string, release func(), err error)
}
