package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/version"
)

// Config configures a Sender. The zero value sends to public addresses.
type Config struct {
	// AllowPrivate allows connections to any address, and AllowCIDR to some networks besides
	// public ones.
	AllowPrivate bool
	AllowCIDR    []netip.Prefix
	Secrets      Secrets
	// Timeout limits one try. Default 15s, which Standard Webhooks recommends as the least.
	Timeout time.Duration
	// Pauses are those before the second and each further try of a message; after the last one
	// it is given up. Default: ten tries in three days.
	Pauses []time.Duration
	// Now is the clock of signatures. Default [time.Now].
	Now func() time.Time
}

// defaultPauses are those that Standard Webhooks gives as an example, "Deliverability and
// reliability".
var defaultPauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour,
	20 * time.Hour, 24 * time.Hour,
}

// Sender sends messages. It is safe for concurrent use.
type Sender struct {
	cfg    Config
	client *http.Client
}

// ErrGone says that a receiver wants no more messages: it responded with 410.
var ErrGone = errors.New("the receiver responded with 410 Gone, and gets no more events")

// NewSender returns a sender.
func NewSender(cfg Config) *Sender {
	if cfg.Timeout == 0 {
		cfg.Timeout = 15 * time.Second
	}
	if cfg.Pauses == nil {
		cfg.Pauses = defaultPauses
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	g := guard.New(guard.Config{AllowPrivate: cfg.AllowPrivate, AllowCIDR: cfg.AllowCIDR,
		Words: guard.Words{Private: "--webhook-cidr 0.0.0.0/0", CIDR: "--webhook-cidr"}})
	return &Sender{cfg: cfg, client: guard.NewClient(g, cfg.Timeout)}
}

// Tries returns how often a message is tried before it is given up.
func (s *Sender) Tries() int { return len(s.cfg.Pauses) + 1 }

// Pause returns the pause after a message has failed a number of times, from 1.
func (s *Sender) Pause(failed int) time.Duration {
	if len(s.cfg.Pauses) == 0 {
		return 0
	}
	return s.cfg.Pauses[min(max(failed, 1), len(s.cfg.Pauses))-1]
}

// Send posts a message once. secret is the name of the secret that signs it; "" signs nothing. A
// response of 2xx is a success. The error wraps [ErrGone] if the receiver wants no more. It names
// the host of the receiver, but not the rest of its URL, which may be a secret as well.
func (s *Sender) Send(ctx context.Context, to, secret, id string, body []byte) error {
	var secrets []Secret
	if secret != "" {
		var err error
		if secrets, err = s.cfg.Secrets.Find(secret); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("webhook: %w", withoutURL(err))
	}
	request.Header.Set("Content-Type", ContentType)
	request.Header.Set("User-Agent", "Trawl/"+version.Series+" (webhook)")
	for name, value := range sign(id, s.cfg.Now(), body, secrets) {
		request.Header.Set(name, value)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("webhook to %s: %w", request.URL.Host, withoutURL(err))
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // so that the connection can be used again
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusGone:
		return fmt.Errorf("webhook to %s: %w", request.URL.Host, ErrGone)
	default:
		return fmt.Errorf("webhook to %s: the receiver responded with %s, want 2xx", request.URL.Host, response.Status)
	}
}

// withoutURL returns an error of net/http without the URL, which it repeats.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
