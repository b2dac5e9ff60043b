package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// JournalPrefix is the name prefix of a journal's segments.
const JournalPrefix = "requests"

// Request is one line of a journal: a request that was made.
type Request struct {
	Start      string `json:"start"` // RFC 3339, microseconds, UTC: when it was sent
	Job        string `json:"job"`
	Worker     string `json:"worker"`
	URL        string `json:"url"`
	Method     string `json:"method,omitempty"` // HEAD; "" for GET
	DurationMS int64  `json:"duration_ms"`
	Status     int    `json:"status"` // 0 without a response
	// Address and port of the peer; "" if none was reached, or only the proxy knows it.
	Address      string `json:"address"`
	Proxy        string `json:"proxy,omitempty"` // the proxy that was used
	Error        string `json:"error,omitempty"`
	GapMS        int64  `json:"gap_ms"`                   // the gap owed between the previous request and this one
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"` // how long the host asked to wait
	// Politeness is "job" when the job paces its requests to the host alone, regardless
	// of what other jobs do there.
	Politeness string `json:"politeness,omitempty"`
	// Guest says that a rendered page made the request, to a host that its visit did not hold. Such
	// requests take turns over the fleet, apart from those of visits.
	Guest bool `json:"guest,omitempty"`
	// Robots is "obeyed", "ignored", or "asked": the request was for a robots.txt.
	Robots string `json:"robots"`
	// Rules is the robots.txt that allowed the request. It is present only in the first
	// line of this writer that depends on it.
	Rules *RequestRules `json:"rules,omitempty"`
}

// RequestRules is a robots.txt in a journal.
type RequestRules struct {
	Origin string `json:"origin"`
	At     string `json:"at"`    // when it was obtained; RFC 3339, milliseconds, UTC
	Token  string `json:"token"` // the product token that identifies the crawler in it
	Text   string `json:"text"`
}

// Values of Request.Robots.
const (
	RobotsObeyed  = "obeyed"
	RobotsIgnored = "ignored"
	RobotsAsked   = "asked"
)

// JournalTime is the format of Request.Start.
const JournalTime = "2006-01-02T15:04:05.000000Z07:00"

// maxRules is for how many origins a journal remembers that their robots.txt is already
// written. Beyond that it forgets all of them and writes each robots.txt again.
const maxRules = 10_000

// Journal writes the requests of a job as lines of JSON, to segments like those of
// [JSONL]. It is safe for concurrent use.
type Journal struct {
	lines *JSONL
	token string

	mu    sync.Mutex
	rules map[string]time.Time // by origin, when the robots.txt that was written last was obtained
}

// OpenJournal opens the journal of a folder. token is the product token of the job's user
// agent in robots.txt files.
func OpenJournal(dir, token string, opts Options) (*Journal, error) {
	lines, err := NewJSONL(JSONLConfig{
		Dir: dir, Prefix: JournalPrefix, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
		Log: opts.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Journal{lines: lines, token: token, rules: make(map[string]time.Time)}, nil
}

// Note writes requests as one batch. When it returns nil, the operating system has them.
func (j *Journal) Note(ctx context.Context, requests []fetched.Exchange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock() // held until written: a line that depends on rules must follow them
	defer j.mu.Unlock()
	b := newBatch()
	defer b.free()
	buffer := bytes.NewBuffer(b.lines)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	fresh := make(map[string]time.Time)
	for _, x := range requests {
		if err := encoder.Encode(j.line(x, fresh)); err != nil {
			return err
		}
	}
	b.lines = buffer.Bytes()
	if err := j.lines.write(b); err != nil {
		return err
	}
	if len(j.rules) > maxRules {
		clear(j.rules)
	}
	for origin, at := range fresh {
		j.rules[origin] = at
	}
	return nil
}

// line describes a request. If it is the first to depend on its rules, line adds them to
// fresh.
func (j *Journal) line(x fetched.Exchange, fresh map[string]time.Time) *Request {
	r := &Request{
		Start: x.Start.UTC().Format(JournalTime), Job: x.Job, Worker: x.Worker, URL: x.URL.String(),
		DurationMS: x.Duration.Milliseconds(), Status: x.Status,
		Error: x.Fault, GapMS: x.Gap.Milliseconds(), RetryAfterMS: x.RetryAfter.Milliseconds(), Robots: RobotsObeyed,
		Proxy: x.Proxy, Politeness: string(x.Politeness), Guest: x.Guest,
	}
	if x.Address.IsValid() {
		r.Address = x.Address.String()
	}
	if x.Head {
		r.Method = http.MethodHead
	}
	switch rules := x.Rules; {
	case x.Robots:
		r.Robots = RobotsAsked
	case rules == nil:
		r.Robots = RobotsIgnored
	case !rules.At.Equal(j.rules[rules.Origin]) && !rules.At.Equal(fresh[rules.Origin]):
		fresh[rules.Origin] = rules.At
		r.Rules = &RequestRules{
			Origin: rules.Origin, At: rules.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Token: j.token,
			Text: rules.Text,
		}
	}
	return r
}

// Broken returns the error after which the journal cannot continue, or nil.
func (j *Journal) Broken() error { return j.lines.Broken() }

// Close puts the journal on disk and releases it to other writers.
func (j *Journal) Close() error { return j.lines.Close() }
