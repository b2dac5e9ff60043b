package websub

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/version"
)

// Topic is a feed of a job.
type Topic struct {
	Job     string
	Created time.Time // of the job; distinguishes jobs of the same name
	URL     crawler.URL
}

// Config configures a [Subscriber]. The fields without a default are required.
type Config struct {
	// Callback is the URL at which hubs reach [Subscriber.ServeHTTP]; what it is called with follows
	// a slash.
	Callback string
	// Key is a secret that all processes of the fleet share: at least 16 bytes.
	Key []byte
	// Topics lists the topics of all jobs that run.
	Topics func(ctx context.Context) ([]Topic, error)
	// Fetch fetches a topic, and returns the status, the header and the first bytes of the body. The
	// error says why there was no response; it wraps [ErrNotYet] if it is too early to ask.
	Fetch func(ctx context.Context, t Topic) (status int, header http.Header, body []byte, err error)
	// Client sends requests to hubs.
	Client *http.Client
	// Changed says of URLs of a job that their pages are new, or may have changed.
	Changed func(ctx context.Context, job string, urls []crawler.URL) error
	// Look is how often topics are looked through for those to subscribe to. Default 1m.
	Look time.Duration
	// Lease is for how long to subscribe; hubs may choose less. Default 10 days.
	Lease time.Duration
	// Patience is how long a hub may take to verify a subscription. Default 10m.
	Patience time.Duration
	// Retry is after how long a subscription that failed is tried again: twice as long each time,
	// until Lease. Default 1h.
	Retry time.Duration
	// Now is the clock. Default [time.Now].
	Now func() time.Time
	// Log receives what becomes of subscriptions. Default: it is discarded.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	for field, value := range map[*time.Duration]time.Duration{
		&c.Look: time.Minute, &c.Lease: 10 * 24 * time.Hour, &c.Patience: 10 * time.Minute, &c.Retry: time.Hour,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// ErrNotYet says that a topic cannot be fetched yet, such as before the robots.txt of its host is
// known. It is tried again at the next look.
var ErrNotYet = errors.New("the topic cannot be fetched yet")

// Subscriber subscribes to topics. It is safe for concurrent use.
type Subscriber struct {
	cfg Config

	mu   sync.Mutex
	subs map[string]*subscription // by the last part of the path of its callback
}

// subscription is one topic with what is known of it.
type subscription struct {
	Topic
	self     crawler.URL // what the hub knows the topic as; zero until it was discovered
	hub      crawler.URL
	until    time.Time // the lease ends; zero if it was never verified
	asked    time.Time // when the hub was asked last, without an answer so far
	next     time.Time // when to ask again
	failures int
	dates    announce.Dates // of the entries that were delivered
	received int            // deliveries in the current second
	second   int64
}

// New returns a subscriber. It subscribes when [Subscriber.Run] runs.
func New(cfg Config) *Subscriber {
	return &Subscriber{cfg: cfg.withDefaults(), subs: make(map[string]*subscription)}
}

// Run subscribes to topics, and renews leases, until ctx ends.
func (s *Subscriber) Run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Look)
	defer tick.Stop()
	for {
		if err := s.look(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("topics of WebSub cannot be listed; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look subscribes to the topics that are due, and forgets those of jobs that have ended.
func (s *Subscriber) look(ctx context.Context) error {
	topics, err := s.cfg.Topics(ctx)
	if err != nil {
		return err
	}
	for _, sub := range s.due(topics) {
		if err := s.subscribe(ctx, sub); err != nil && ctx.Err() == nil {
			s.fails(sub, err)
		}
	}
	return ctx.Err()
}

// due takes up the topics, and returns those to subscribe to now.
func (s *Subscriber) due(topics []Topic) (due []*subscription) {
	now := s.cfg.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	there := make(map[string]bool, len(topics))
	for _, topic := range topics {
		id := s.id(topic)
		there[id] = true
		sub := s.subs[id]
		if sub == nil {
			sub = &subscription{Topic: topic}
			s.subs[id] = sub
		}
		if !sub.asked.IsZero() && now.Sub(sub.asked) > s.cfg.Patience {
			sub.asked = time.Time{}
			s.failed(sub, fmt.Errorf("hub %q did not verify the subscription within %v", sub.hub, s.cfg.Patience))
		}
		if sub.asked.IsZero() && !now.Before(sub.next) {
			due = append(due, sub)
		}
	}
	for id := range s.subs {
		if !there[id] {
			delete(s.subs, id) // its hub is told with the next delivery
		}
	}
	return due
}

// subscribe finds the hub of a topic and asks it for a subscription (WebSub, 5.1).
func (s *Subscriber) subscribe(ctx context.Context, sub *subscription) error {
	status, header, body, err := s.cfg.Fetch(ctx, sub.Topic)
	if errors.Is(err, ErrNotYet) {
		return nil
	}
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("it has status %d, want 200", status)
	}
	f := discover(sub.URL, header, body)
	if f.hub.IsZero() {
		return errors.New("it names no hub, neither in a Link header nor in a link element")
	}
	id := s.id(sub.Topic)
	s.mu.Lock()
	sub.self, sub.hub, sub.asked = f.self, f.hub, s.cfg.Now() // before the request: the hub may verify at once
	s.mu.Unlock()
	return s.ask(ctx, f.hub, url.Values{
		"hub.mode": {"subscribe"}, "hub.topic": {f.self.String()}, "hub.secret": {s.secret(id)},
		"hub.callback":      {strings.TrimSuffix(s.cfg.Callback, "/") + "/" + id},
		"hub.lease_seconds": {strconv.FormatInt(int64(s.cfg.Lease/time.Second), 10)},
	})
}

// ask sends a request to a hub. It answers with 202, and verifies it later.
func (s *Subscriber) ask(ctx context.Context, hub crawler.URL, form url.Values) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hub.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "Trawl/"+version.Series+" (WebSub)")
	response, err := s.cfg.Client.Do(request)
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer response.Body.Close()
	why, _ := io.ReadAll(io.LimitReader(response.Body, 300))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("hub %q answered %s: %.300q", hub, response.Status, why)
	}
	return nil
}

// fails notes that a subscription failed.
func (s *Subscriber) fails(sub *subscription, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.asked = time.Time{}
	s.failed(sub, why)
}

// failed decides when a subscription that failed is tried again. s.mu is held.
func (s *Subscriber) failed(sub *subscription, why error) {
	sub.failures++
	pause := s.cfg.Retry
	for range min(sub.failures-1, 20) {
		pause = min(2*pause, s.cfg.Lease)
	}
	sub.next = s.cfg.Now().Add(pause)
	s.cfg.Log.Warn("no subscription to a topic of WebSub; it is tried again", "job", sub.Job, "topic", sub.URL.String(),
		"in", pause, "error", why)
}

// id returns the last part of the path of a topic's callback. Without the key, no one can guess it.
func (s *Subscriber) id(t Topic) string {
	return s.derive("callback", t.Job, strconv.FormatInt(t.Created.UnixMilli(), 10), t.URL.String())
}

// secret returns what a hub signs its deliveries with.
func (s *Subscriber) secret(id string) string { return s.derive("secret", id) }

func (s *Subscriber) derive(parts ...string) string {
	sum := hmac.New(sha256.New, s.cfg.Key)
	_, _ = io.WriteString(sum, strings.Join(parts, "\x00")) // a hash never fails
	return hex.EncodeToString(sum.Sum(nil))[:40]
}
