package trawl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Failure is a try of a URL that failed, as functions registered with [Handlers.OnError] get
// it. It may be used until the function returns.
type Failure struct {
	Job string
	// URL is the URL that was requested, which identifies it in its job and in its record.
	URL string
	// FinalURL is where redirects led.
	FinalURL string
	// Referrer is the page that linked here; "" for a seed.
	Referrer string
	Depth    int

	// Status is the HTTP status; 0 if there was no response. For an error of a handler, it is
	// that of the page.
	Status int
	// Header is the header of the response; nil if there was none. It must not be changed.
	Header http.Header
	// Class says in one word why the URL failed. It is never "".
	Class ErrorClass
	// Reason is a sentence for people.
	Reason string
	// Try is the number of this try, from 1.
	Try int
	// Final says that the URL is not tried again.
	Final bool

	body *fetched.Body
}

// Error returns the URL and the reason.
func (f *Failure) Error() string { return f.URL + ": " + f.Reason }

// Body returns a reader of the body that came with the response, as far as it was read; it is
// empty if there isn't one.
func (f *Failure) Body() io.Reader {
	if f.body == nil {
		return bytes.NewReader(nil)
	}
	return f.body.Reader()
}

// failureOf returns what handlers get of a result that is a failure.
func failureOf(r *fetched.Result) *Failure {
	f := &Failure{
		Job: r.Job, URL: r.Entry.URL.String(), FinalURL: r.Entry.URL.String(), Referrer: r.Entry.Referrer.String(),
		Depth: r.Entry.Depth,
		Class: r.ErrorClass(), Reason: r.Reason, Try: r.Entry.Tries + r.Entry.Spared + 1, Final: r.Outcome.Final(),
	}
	if n := len(r.Redirects); n > 0 {
		f.FinalURL = r.Redirects[n-1].String()
	}
	if p := r.Page; p != nil {
		f.Status, f.Header, f.body = p.Status, p.Header, p.Body
	}
	return f
}

// HandlesErrors reports whether one of the sets wants to know what fails.
func (n *named) HandlesErrors() bool {
	for _, set := range n.sets {
		if len(set.fails) > 0 {
			return true
		}
	}
	return false
}

// HandleError tells each function of each set that a URL has failed.
func (n *named) HandleError(ctx context.Context, r *fetched.Result) (err error) {
	if n.handle != nil {
		defer n.handle(r.Job)()
	}
	f := failureOf(r)
	for _, set := range n.sets {
		for _, do := range set.fails {
			if failed := do(ctx, f); failed != nil {
				err = errors.Join(err, fmt.Errorf("handlers %s: %w", set.name, failed))
			}
		}
	}
	return err
}
