package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// problem is the API's response to a request that failed.
type problem struct {
	Status  int              `json:"-"`
	Message string           `json:"error"`
	Seeding *crawler.Seeding `json:"seeding,omitempty"` // what was done before the error
}

// Error returns the message.
func (p *problem) Error() string { return p.Message }

// badRequest returns a problem of the request itself.
func badRequest(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...), nil}
}

// problemOf returns the problem, with its status, for an error.
func problemOf(err error) *problem {
	var known *problem
	if errors.As(err, &known) {
		return known
	}
	return &problem{Status: statusOf(err), Message: err.Error()}
}

func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	var network net.Error
	var setting *crawler.SettingError
	switch {
	case errors.As(err, &setting), errors.Is(err, queue.ErrCursor):
		return http.StatusBadRequest
	case errors.Is(err, queue.ErrNoJob), errors.Is(err, queue.ErrNoHost):
		return http.StatusNotFound
	case errors.Is(err, queue.ErrJobExists), errors.Is(err, queue.ErrJobEnded), errors.Is(err, queue.ErrJobRuns),
		errors.Is(err, queue.ErrJobChanged), errors.Is(err, queue.ErrJobState), errors.Is(err, queue.ErrOutput):
		return http.StatusConflict
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF):
		return http.StatusServiceUnavailable // Redis does not respond
	}
	return http.StatusInternalServerError
}

// handler serves a request, or returns why it cannot.
type handler func(http.ResponseWriter, *http.Request) error

// serve responds with the errors of a handler, and logs internal ones.
func (d *Dashboard) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		p := problemOf(err)
		if p.Status >= http.StatusInternalServerError && r.Context().Err() == nil {
			d.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		writeJSON(w, p.Status, p)
	})
}

// writeJSON responds with a value in JSON. The value must be encodable.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		http.Error(w, `{"error": "cannot encode the response as JSON"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // fails only when the client is gone
}
