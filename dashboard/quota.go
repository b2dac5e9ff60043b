package dashboard

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	"golang.org/x/time/rate"
)

// quota limits what all clients that add seeds may do together: the number of lists at
// once, and the number of lines per second. It is safe for concurrent use.
type quota struct {
	lists chan struct{} // holds a value for each list in progress; nil: no limit
	lines *rate.Limiter // nil: no limit
}

// quotaBurst limits bursts above the rate to this fraction of a second: 1/quotaBurst.
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

// enter starts a list, or returns a problem if there are too many. The caller must call
// leave at the end of the list.
func (q *quota) enter() (leave func(), err error) {
	if q.lists == nil {
		return func() {}, nil
	}
	select {
	case q.lists <- struct{}{}:
		return func() { <-q.lists }, nil
	default:
		return nil, &problem{http.StatusTooManyRequests, // RFC 6585, 4
			fmt.Sprintf("%d lists of seeds are already being read, which is the limit: send it again when one has ended", cap(q.lists)), nil}
	}
}

// paced yields the lines of a list no faster than the quota allows: the client waits. It
// ends with ctx.
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
