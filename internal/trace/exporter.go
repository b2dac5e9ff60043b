package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exporterConfig configures an exporter.
type exporterConfig struct {
	url, contentType string
	encode           encoding
	header           http.Header
	gzip             bool
	timeout          time.Duration // of one request
	delay            time.Duration // after which an incomplete batch is sent
	queue, batch     int           // spans
	transport        http.RoundTripper
	resource         []Attribute
	version          string
	log              *slog.Logger
	pauses           []time.Duration // before a batch is tried again; then it is dropped. Default retryPauses
}

// retryPauses are those before a batch is tried again (OTLP, "Failures": exponential backoff).
var retryPauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

const (
	closeTime     = 5 * time.Second  // for what waits at the end
	complainEvery = time.Minute      // about a collector that is away
	mostPause     = 30 * time.Second // that a collector may ask for
	bodyLimit     = 4 << 10          // of a response
)

// exporter sends spans in batches, one at a time.
type exporter struct {
	cfg    exporterConfig
	client *http.Client

	sent, dropped atomic.Int64

	mu     sync.Mutex
	queue  []*Span
	closed bool
	full   chan struct{} // a batch is complete

	ending     chan struct{} // closed when no span will be added
	abort      context.CancelFunc
	done       chan struct{}
	complained time.Time
}

func newExporter(cfg exporterConfig) *exporter {
	if cfg.pauses == nil {
		cfg.pauses = retryPauses
	}
	cfg.batch = min(cfg.batch, cfg.queue)
	ctx, abort := context.WithCancel(context.Background())
	e := &exporter{cfg: cfg, client: &http.Client{Transport: cfg.transport, Timeout: cfg.timeout,
		// A redirect would take the headers, which may have secrets, to another server.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		full: make(chan struct{}, 1), ending: make(chan struct{}), done: make(chan struct{}), abort: abort}
	go e.run(ctx)
	return e
}

// add queues a span that has ended, or drops it. It never waits.
func (e *exporter) add(s *Span) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.queue) >= e.cfg.queue {
		e.dropped.Add(1)
		return
	}
	e.queue = append(e.queue, s)
	if len(e.queue) >= e.cfg.batch {
		select {
		case e.full <- struct{}{}:
		default:
		}
	}
}

// next removes a batch from the queue; more says that another one is complete.
func (e *exporter) next() (batch []*Span, more bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.queue), e.cfg.batch)
	batch, e.queue = slices.Clone(e.queue[:n]), slices.Delete(e.queue, 0, n)
	return batch, len(e.queue) >= e.cfg.batch
}

// run sends batches until ending is closed, and then what is left, until ctx ends.
func (e *exporter) run(ctx context.Context) {
	defer close(e.done)
	tick := time.NewTicker(e.cfg.delay)
	defer tick.Stop()
	for ending := false; ; {
		select {
		case <-tick.C:
		case <-e.full:
		case <-e.ending:
			ending = true
		}
		for {
			batch, more := e.next()
			if len(batch) == 0 {
				break
			}
			e.send(ctx, batch)
			if !more && !ending {
				break
			}
		}
		if ending {
			return
		}
	}
}

// send sends a batch, and tries again if the collector may take it later.
func (e *exporter) send(ctx context.Context, batch []*Span) {
	body, err := e.cfg.encode(e.cfg.resource, e.cfg.version, batch)
	for try := 0; err == nil; try++ {
		var again *laterError
		err = e.post(ctx, body)
		switch {
		case err == nil:
			e.sent.Add(int64(len(batch)))
			return
		case !errors.As(err, &again) || try >= len(e.cfg.pauses) || !e.pause(ctx, max(again.after, e.cfg.pauses[try])):
		default:
			err = nil
		}
	}
	e.dropped.Add(int64(len(batch)))
	if time.Since(e.complained) > complainEvery {
		e.complained = time.Now()
		e.cfg.log.Warn("spans are dropped", "spans", len(batch), "dropped_so_far", e.dropped.Load(), "error", err)
	}
}

// pause waits, and reports whether the exporter goes on.
func (e *exporter) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.ending: // there is no time for another try
		return false
	case <-ctx.Done():
		return false
	}
}

// laterError is a failure after which the same batch may be sent again.
type laterError struct {
	error
	after time.Duration // that the collector asks for
}

func (e *laterError) Unwrap() error { return e.error }

// post sends one request. OTLP/HTTP, "Failures": 429, 502, 503 and 504 may be repeated, and so may a
// request for which no response came.
func (e *exporter) post(ctx context.Context, body []byte) error {
	r, err := e.request(ctx, body)
	if err != nil {
		return err
	}
	response, err := e.client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the URL may have a login
		}
		return &laterError{error: fmt.Errorf("send spans to %s: %w", r.URL.Host, err)}
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
	if response.StatusCode >= 200 && response.StatusCode < 300 {
		return nil
	}
	err = fmt.Errorf("send spans to %s: the collector responded with %s: %.200q", r.URL.Host, response.Status,
		strings.TrimSpace(string(text)))
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
		return &laterError{err, min(time.Duration(seconds)*time.Second, mostPause)}
	}
	return err
}

// request returns the request that carries a body.
func (e *exporter) request(ctx context.Context, body []byte) (*http.Request, error) {
	if e.cfg.gzip {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(body); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		body = packed.Bytes()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.cfg.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range e.cfg.header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", e.cfg.contentType)
	r.Header.Set("User-Agent", "OTel-OTLP-Exporter-Trawl/"+e.cfg.version)
	if e.cfg.gzip {
		r.Header.Set("Content-Encoding", "gzip")
	}
	return r, nil
}

// close sends what waits, for a limited time. It may be called once.
func (e *exporter) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	close(e.ending)
	stop := time.AfterFunc(closeTime, e.abort)
	defer stop.Stop()
	<-e.done
	e.abort()
	e.client.CloseIdleConnections()
}
