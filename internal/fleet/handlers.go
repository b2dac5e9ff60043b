package fleet

import "github.com/trawlcrawler/trawl/crawler"

// Handlers are what a program brings to the jobs that name it.
type Handlers interface {
	// Has reports whether all of these are there.
	Has(names []string) bool
	// Names lists all.
	Names() []string
	// For returns the handlers of a job, whose names are there.
	For(job crawler.Status) crawler.Handlers
}

// serves reports whether the job has no handlers that are not here. Its visits are
// for other workers otherwise.
func (w *Workshop) serves(job crawler.Job) bool {
	return len(job.Handlers) == 0 || w.handlers != nil && w.handlers.Has(job.Handlers)
}

// handlersFor returns the handlers of a job; nil when it has none, or not all are
// here.
func (w *Workshop) handlersFor(job crawler.Status) crawler.Handlers {
	if len(job.Job.Handlers) == 0 || !w.serves(job.Job) {
		return nil
	}
	return w.handlers.For(job)
}
