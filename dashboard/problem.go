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
)

// problem is why a request was not carried out, as the API answers it.
type problem struct {
	Status  int              `json:"-"`
	Message string           `json:"error"`
	Seeding *crawler.Seeding `json:"seeding,omitempty"` // what was done before it
}

// Error says what the problem is.
func (p *problem) Error() string { return p.Message }

// badRequest is a problem of the request itself.
func badRequest(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...), nil}
}

// problemOf finds the status of an error.
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
	case errors.As(err, &setting):
		return http.StatusBadRequest
	case errors.Is(err, crawler.ErrNoJob):
		return http.StatusNotFound
	case errors.Is(err, crawler.ErrJobExists), errors.Is(err, crawler.ErrJobEnded), errors.Is(err, crawler.ErrJobRuns), errors.Is(err, crawler.ErrJobChanged):
		return http.StatusConflict
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF):
		return http.StatusServiceUnavailable // no Redis answers
	}
	return http.StatusInternalServerError
}

// handler answers a request, or returns why it can not.
type handler func(http.ResponseWriter, *http.Request) error

// serve answers the errors of a handler, and logs those that are our own.
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

// writeJSON answers with a value, which can be written as JSON.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		http.Error(w, `{"error": "the answer can not be written as JSON"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // who asked has gone
}
