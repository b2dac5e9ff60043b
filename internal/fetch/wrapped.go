package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// wrapped is the transport of a program, around the fetcher's own; see Config.Transport. It is one
// for all ways of making a request, and for all fetchers that are lent.
type wrapped struct {
	outer http.RoundTripper
	log   *slog.Logger
}

// passage is the context value that leads a request of a wrapped transport to the transport
// that Fetch has chosen for it, and so through the guard of its fetcher.
type passage struct {
	to     http.RoundTripper
	failed atomic.Bool                   // the transport below has returned an error
	last   atomic.Pointer[http.Response] // the last answer from below, before others may change it
}

type passageKey struct{}

// Below is the transport below those of programs. It makes requests with the transports of the
// fetcher whose request it gets, in the context that the fetcher has made for it; any other
// request is an error. It is safe for concurrent use.
type Below struct{}

// RoundTrip makes a request.
func (Below) RoundTrip(r *http.Request) (*http.Response, error) {
	p, ok := r.Context().Value(passageKey{}).(*passage)
	if !ok {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, errors.New("the request has not the context of the one that the transport was given: make it with Request.Clone or Request.WithContext")
	}
	resp, err := p.to.RoundTrip(r)
	if err != nil {
		p.failed.Store(true)
		return nil, err
	}
	last := *resp
	p.last.Store(&last)
	return resp, nil
}

// newWrapped returns the transport that the program has set, or nil.
func newWrapped(cfg Config) *wrapped {
	if cfg.Transport == nil {
		return nil
	}
	return &wrapped{cfg.Transport, cfg.Log}
}

// roundTrip makes a request through the program's transport, if there is one. came is the
// answer that came over a connection, which the program's transport may have changed or replaced
// by resp; nil if there was none.
func (f *Fetcher) roundTrip(r *http.Request, to http.RoundTripper) (resp, came *http.Response, err error) {
	if f.wrapped == nil {
		resp, err = to.RoundTrip(r)
		return resp, resp, err
	}
	p := &passage{to: to}
	resp, err = f.wrapped.call(r.WithContext(context.WithValue(r.Context(), passageKey{}, p)))
	if err == nil {
		err = f.wrapped.complete(resp)
	}
	if err != nil {
		if resp != nil && resp.Body != nil {
			resp.Body.Close()
		}
		if !p.failed.Load() {
			err = &transportError{err}
		}
		return nil, nil, err
	}
	return resp, p.last.Load(), nil
}

// call calls the program's transport. A panic is an error, which is logged with its stack.
func (w *wrapped) call(r *http.Request) (resp *http.Response, err error) {
	defer w.recovered(&err)
	return w.outer.RoundTrip(r)
}

// recovered turns a panic into an error. It is deferred.
func (w *wrapped) recovered(err *error) {
	if v := recover(); v != nil {
		w.log.Error("a transport panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		*err = &transportError{fmt.Errorf("it panicked: %v: %w", v, queue.ErrNoRetry)}
	}
}

// complete completes an answer that did not come from net/http, or says what is wrong with it.
func (w *wrapped) complete(resp *http.Response) error {
	switch {
	case resp == nil:
		return fmt.Errorf("it returned neither a response nor an error: %w", queue.ErrNoRetry)
	case resp.StatusCode < 100 || resp.StatusCode > 999:
		return fmt.Errorf("it returned a response with the status %d: want 100 to 999: %w", resp.StatusCode,
			queue.ErrNoRetry)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Header == nil {
		resp.Header = make(http.Header)
	}
	if resp.Body != http.NoBody {
		resp.Body = &theirBody{resp.Body, w}
		if resp.ContentLength == 0 { // as a literal leaves the field
			resp.ContentLength = -1
		}
	}
	return nil
}

// theirBody is a body from a program's transport, which may panic while it is read.
type theirBody struct {
	io.ReadCloser
	wrapped *wrapped
}

func (b *theirBody) Read(p []byte) (n int, err error) {
	defer b.wrapped.recovered(&err)
	return b.ReadCloser.Read(p)
}

// transportError is an error of the program's own transport.
type transportError struct{ err error }

func (e *transportError) Error() string { return "the program's transport: " + e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// transportFault describes an error of the program's own transport. As with errors of handlers,
// it may pass unless it says otherwise.
func (f *Fetcher) transportFault(err *transportError) *fetched.Fault {
	fault := &fetched.Fault{Kind: fetched.FaultProtocol, Text: "the program's transport: " + plain.Cause(err.err),
		Passes: !errors.Is(err, queue.ErrNoRetry)}
	if timedOut(err.err) {
		fault.Kind = fetched.FaultTimeout
	}
	return fault
}

// simulate records an exchange that was made without a connection, as HTTP/1.1 would have
// transferred it.
func (t *recorder) simulate(r *http.Request, resp *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.URL.Host)
	_ = r.Header.Write(&head) // a buffer takes everything
	t.request = append(head.Bytes(), "\r\n"...)
	head = bytes.Buffer{}
	fmt.Fprintf(&head, "HTTP/1.1 %03d %s\r\n", resp.StatusCode, http.StatusText(resp.StatusCode))
	_ = resp.Header.Write(&head)
	t.early = append(head.Bytes(), "\r\n"...)
	resp.TransferEncoding = nil // for the copy is not chunked
	resp.Body = &copied{resp.Body, t}
}

// copied is a body that a recorder keeps while it is read.
type copied struct {
	io.ReadCloser
	recorder *recorder
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.recorder.mu.Lock()
	defer c.recorder.mu.Unlock()
	c.recorder.record(p[:n])
	return n, err
}
