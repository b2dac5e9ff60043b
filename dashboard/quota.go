package dashboard

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"golang.org/x/time/rate"
)

// quota bounds what all who bring seeds may do together: so many lists at once,
// and so many lines of them in a second. It is safe for concurrent use.
type quota struct {
	lists chan struct{} // a place is taken for each list under way; nil: no bound
	lines *rate.Limiter // nil: no bound
}

// quotaBurst is for how much of a second lines may come faster than the rate.
const quotaBurst = 10

func newQuota(lists, rateOfLines int) *quota {
	q := &quota{}
	if lists > 0 {
		q.lists = make(chan struct{}, lists)
	}
	if rateOfLines > 0 {
		q.lines = rate.NewLimiter(rate.Limit(rateOfLines), max(1, rateOfLines/quotaBurst))
	}
	return q
}

// enter takes a place for a list, or returns the problem that there is none. The
// place is free again when leave is called.
func (q *quota) enter() (leave func(), err error) {
	if q.lists == nil {
		return func() {}, nil
	}
	select {
	case q.lists <- struct{}{}:
		return func() { <-q.lists }, nil
	default:
		return nil, &problem{http.StatusTooManyRequests, // RFC 6585, 4
			fmt.Sprintf("%d lists of seeds are being read, as many as may be at once: send it again when one has ended", cap(q.lists)), nil}
	}
}

// paced yields the lines of a list no faster than the quota allows: who sends
// them waits. It ends with ctx.
func (q *quota) paced(ctx context.Context, lines iter.Seq2[string, error]) iter.Seq2[string, error] {
	if q.lines == nil {
		return lines
	}
	return func(yield func(string, error) bool) {
		for line, err := range lines {
			if err == nil {
				err = q.lines.Wait(ctx)
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}
