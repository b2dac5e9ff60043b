package indexnow

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/trawlcrawler/trawl/crawler"
)

// Config configures a [Receiver]. The functions are required.
type Config struct {
	// Covers reports whether a host is in the scope of a job that takes signals. The error wraps
	// what the caller wants to be told of.
	Covers func(ctx context.Context, job string, host crawler.Host) (bool, error)
	// Fetch fetches a key file, without asking robots.txt, since the site itself names the file. It
	// returns the status and the first bytes of the body, at most 1 KiB, and follows no redirect. The
	// error says that there was no response.
	Fetch func(ctx context.Context, u crawler.URL) (status int, body []byte, err error)
	// Changed says of URLs of a job that their pages may have changed.
	Changed func(ctx context.Context, job string, urls []crawler.URL) error
	// Valid is how long a key that was found counts as valid. Default 1h.
	Valid time.Duration
	// Pause is how long no further key is looked for at a host that did not have one. Default 1m.
	Pause time.Duration
	// Fetches is how many key files are fetched a second, over all hosts. Default 5.
	Fetches float64
	// Now is the clock. Default [time.Now].
	Now func() time.Time
	// Log receives internal errors. Default: they are discarded.
	Log *slog.Logger
}

// maxKnown is how many hosts are remembered. What is forgotten is looked up again.
const maxKnown = 10_000

// Receiver serves submissions for the jobs of a fleet. It is an [http.Handler] for paths that end in
// the name of a job, as the value "job" of the request's pattern. It is safe for concurrent use.
type Receiver struct {
	cfg     Config
	fetches *rate.Limiter

	mu    sync.Mutex
	hosts map[crawler.Host]*known
}

// known is what was found at a host.
type known struct {
	mu      sync.Mutex
	key     string
	file    crawler.URL
	until   time.Time // the key is valid
	pausing time.Time // no other key is looked for
}

// New returns a receiver.
func New(cfg Config) *Receiver {
	if cfg.Valid == 0 {
		cfg.Valid = time.Hour
	}
	if cfg.Pause == 0 {
		cfg.Pause = time.Minute
	}
	if cfg.Fetches == 0 {
		cfg.Fetches = 5
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{cfg: cfg, fetches: rate.NewLimiter(rate.Limit(cfg.Fetches), max(1, int(4*cfg.Fetches))),
		hosts: make(map[crawler.Host]*known)}
}

// ServeHTTP responds as IndexNow says: 200 if the URLs were taken, 400 if the request is not a
// submission, 403 if the key is not at the host, 422 if the URLs are not of the host or in the scope
// of the job, 429 if there are too many submissions.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	err := r.receive(request)
	w.Header().Set("Content-Type", "application/json")
	if err == nil {
		_, _ = w.Write([]byte("{\"status\": \"taken\"}\n")) // fails only when the client is gone
		return
	}
	status, text := statusOf(err), err.Error()
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		if refusal.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(refusal.RetryAfter))
		}
	case request.Context().Err() == nil:
		r.cfg.Log.Error("a submission of IndexNow could not be passed on", "job", request.PathValue("job"), "error", err)
		text = "the fleet cannot take it now: try again later"
	}
	body, _ := json.Marshal(map[string]string{"error": text}) // a text can be encoded
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// receive takes one submission.
func (r *Receiver) receive(request *http.Request) error {
	s, err := Read(request)
	if err != nil {
		return err
	}
	ctx, job := request.Context(), request.PathValue("job")
	covered, err := r.cfg.Covers(ctx, job, s.Host)
	if err != nil {
		return err
	}
	if !covered {
		return refuse(http.StatusUnprocessableEntity, "host %q is not in the scope of a job %q that takes signals",
			s.Host, job)
	}
	if err := r.verify(ctx, s); err != nil {
		return err
	}
	return r.cfg.Changed(ctx, job, s.URLs)
}

// of returns what is known of a host.
func (r *Receiver) of(host crawler.Host) *known {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.hosts[host]
	if k == nil {
		if len(r.hosts) >= maxKnown {
			clear(r.hosts) // they are looked up again, at the same bounded rate
		}
		k = new(known)
		r.hosts[host] = k
	}
	return k
}

// verify returns a [*Refusal] unless the key of a submission is in its file at the host. Submissions
// for one host wait for each other, so that a flood of them makes one request.
func (r *Receiver) verify(ctx context.Context, s Submission) error {
	k := r.of(s.Host)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := r.cfg.Now()
	// A flood of wrong keys must not keep out the site whose key was right.
	again := k.file == s.KeyFile && subtle.ConstantTimeCompare([]byte(k.key), []byte(s.Key)) == 1
	if again && now.Before(k.until) {
		return nil
	}
	if wait := k.pausing.Sub(now); wait > 0 && !again {
		return &Refusal{http.StatusTooManyRequests,
			"the key of a submission for this host was wrong: wait before another one", int(wait/time.Second) + 1}
	}
	if !r.fetches.AllowN(now, 1) {
		return &Refusal{http.StatusTooManyRequests,
			"too many submissions with keys that must be looked up: try again later", 10}
	}
	status, body, err := r.cfg.Fetch(ctx, s.KeyFile)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k.pausing = now.Add(r.cfg.Pause)
	content := strings.TrimSpace(strings.TrimPrefix(string(body), "\ufeff"))
	switch {
	case err != nil:
		return refuse(http.StatusForbidden, "key file %q cannot be fetched: %v", s.KeyFile, err)
	case status != http.StatusOK:
		return refuse(http.StatusForbidden, "key file %q has status %d, want 200", s.KeyFile, status)
	case subtle.ConstantTimeCompare([]byte(content), []byte(s.Key)) != 1:
		return refuse(http.StatusForbidden, "key file %q does not contain the key, and nothing but the key", s.KeyFile)
	}
	k.key, k.file, k.until, k.pausing = s.Key, s.KeyFile, now.Add(r.cfg.Valid), time.Time{}
	return nil
}
