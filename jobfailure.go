package trawl

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// failures remembers why this process has ended jobs: the errors of their sinks, of which the
// state of a job has only the text. The zero value is ready to use. It is safe for concurrent
// use.
type failures struct {
	mu     sync.Mutex
	errors map[string]jobFailure // by job
}

type jobFailure struct {
	created time.Time // of the job
	err     error
}

// note records why a job has failed.
func (f *failures) note(job crawler.Status, err *visit.SinkError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.errors == nil {
		f.errors = make(map[string]jobFailure)
	}
	f.errors[job.Job.Name] = jobFailure{job.Created, err}
}

// of returns why this process has ended a job; nil if it has not.
func (f *failures) of(job crawler.Status) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.errors[job.Job.Name]; known.created.Equal(job.Created) {
		return known.err
	}
	return nil
}

// unfinished returns the error of a job that has ended before its end; nil if it is done. again
// says how to resume it.
func (f *failures) unfinished(s crawler.Status, again string) error {
	switch s.State {
	case crawler.StateCancelled:
		return fmt.Errorf("trawl: job %q: %w: %s", s.Job.Name, ErrCancelled, s.Reason)
	case crawler.StateFailed:
		cause := f.of(s)
		if cause == nil { // another process has ended it
			cause = errors.New(s.Reason)
		}
		return fmt.Errorf("trawl: job %q: %w: %w; %s when that is mended", s.Job.Name, ErrFailed, cause, again)
	}
	return nil
}
