package visit

import (
	"errors"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// SinkError is the error of [Handlers.Deliver] if a program's own sink cannot keep pages. The
// batch is delivered again after growing pauses, sinkTries times at most, and meanwhile the job
// makes no requests on this worker. Then, or at once if Err is [queue.ErrNoRetry], the visit ends
// with the error, and its URLs return to their queue. It is also [ErrKeep].
type SinkError struct {
	Err error
	// Tries is how often the batch was delivered in vain when it was given up; 0 before.
	Tries int
}

// Error says what the sink said, and how often it was tried.
func (e *SinkError) Error() string {
	if e.Tries > 1 {
		return fmt.Sprintf("%v (tried %d times)", e.Err, e.Tries)
	}
	return e.Err.Error()
}

// Unwrap returns the error of the sink, and ErrKeep.
func (e *SinkError) Unwrap() []error { return []error{e.Err, ErrKeep} }

// sinkTries is how often a batch is delivered. With pauses of a second that double up to a
// minute, that takes two minutes.
const sinkTries = 8

// GivenUp returns the error of a sink that is not tried any more; nil if err is none.
func GivenUp(err error) *SinkError {
	var sink *SinkError
	if errors.As(err, &sink) && sink.Tries > 0 {
		return sink
	}
	return nil
}

// isSink reports whether err is an error of a program's own sink.
func isSink(err error) bool {
	var sink *SinkError
	return errors.As(err, &sink)
}

// keeping is the tries of a batch that could not be kept.
type keeping struct {
	gate  *Gate
	pause time.Duration // before the next try
	sink  int           // how often a program's sink failed
}

// passes reports whether an error may go away, and so whether another try makes sense. It counts
// the tries of a program's sink.
func (k *keeping) passes(err error) bool {
	var sink *SinkError
	if !errors.As(err, &sink) {
		return k.gate.passes(err)
	}
	k.sink++
	return k.sink < sinkTries && !errors.Is(err, queue.ErrNoRetry)
}

// final returns the error with which the visit ends.
func (k *keeping) final(err error) error {
	var sink *SinkError
	if errors.As(err, &sink) && (k.sink >= sinkTries || errors.Is(err, queue.ErrNoRetry)) {
		return &SinkError{sink.Err, max(1, k.sink)}
	}
	return err
}
