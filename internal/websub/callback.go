package websub

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/sitemap"
)

// Bounds of deliveries.
const (
	maxDelivery   = 4 << 20 // bytes
	maxEntries    = 1000    // entries of a feed that are taken
	maxDeliveries = 10      // of a topic in a second
)

// ServeHTTP answers hubs. A path that is not the callback of a topic gets 404, and so does the
// verification of what was not asked for. A delivery that is not signed with the secret of its topic
// is ignored.
func (s *Subscriber) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := path.Base(r.URL.Path)
	s.mu.Lock()
	sub := s.subs[id]
	s.mu.Unlock()
	switch {
	case sub == nil && r.Method == http.MethodPost:
		// "Hubs MAY terminate the subscription" (WebSub, 7): the job has ended.
		http.Error(w, "there is no such subscription", http.StatusGone)
	case sub == nil:
		http.NotFound(w, r)
	case r.Method == http.MethodGet:
		s.verify(w, r, sub)
	case r.Method == http.MethodPost:
		s.deliver(w, r, id, sub)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "a hub sends GET or POST", http.StatusMethodNotAllowed)
	}
}

// verify answers a hub that verifies the intent of the subscriber (WebSub, 5.3), or that denies the
// subscription (5.2).
func (s *Subscriber) verify(w http.ResponseWriter, r *http.Request, sub *subscription) {
	query := r.URL.Query()
	topic, challenge := query.Get("hub.topic"), query.Get("hub.challenge")
	s.mu.Lock()
	defer s.mu.Unlock()
	if topic != sub.URL.String() && (sub.self.IsZero() || topic != sub.self.String()) {
		http.NotFound(w, r)
		return
	}
	switch mode := query.Get("hub.mode"); {
	case mode == "denied":
		sub.asked, sub.until = time.Time{}, time.Time{}
		s.failed(sub, errors.New("the hub denies it: "+strconv.Quote(query.Get("hub.reason"))))
	case mode == "subscribe" && challenge != "":
		lease := s.cfg.Lease
		if n, err := strconv.ParseInt(query.Get("hub.lease_seconds"), 10, 32); err == nil && n > 0 {
			lease = min(time.Duration(n)*time.Second, s.cfg.Lease)
		}
		now := s.cfg.Now()
		sub.asked, sub.failures, sub.until = time.Time{}, 0, now.Add(lease)
		sub.next = now.Add(max(lease*8/10, s.cfg.Look))
		s.cfg.Log.Info("subscribed to a topic of WebSub", "job", sub.Job, "topic", topic, "until", sub.until)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8") // it is not a page, whatever the hub sends
		_, _ = io.WriteString(w, challenge)                         // fails only when the hub is gone
	default: // such as an end of the subscription, which no one has asked for
		http.NotFound(w, r)
	}
}

// deliver takes what a hub delivers (WebSub, 7).
func (s *Subscriber) deliver(w http.ResponseWriter, r *http.Request, id string, sub *subscription) {
	if !s.admits(sub) {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many deliveries", http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxDelivery+1))
	switch {
	case err != nil:
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	case len(body) > maxDelivery:
		http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
		return
	}
	// A hub that forgot the secret and a forger get the same answer as any other hub:
	// "subscribers MUST locally ignore the message as invalid" (WebSub, 7.1).
	if !signed(r.Header.Get("X-Hub-Signature"), s.secret(id), body) {
		s.cfg.Log.Warn("a delivery of WebSub is ignored: its signature is missing or wrong", "job", sub.Job,
			"topic", sub.URL.String())
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if err := s.take(r.Context(), sub, r.Header.Get("Content-Type"), body); err != nil {
		s.cfg.Log.Error("a delivery of WebSub could not be passed on", "job", sub.Job, "error", err)
		w.Header().Set("Retry-After", "60")
		http.Error(w, "the fleet cannot take it now", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// admits counts a delivery, and reports whether there are few enough.
func (s *Subscriber) admits(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := s.cfg.Now().Unix(); second != sub.second {
		sub.second, sub.received = second, 0
	}
	sub.received++
	return sub.received <= maxDeliveries
}

// take passes on what is new in a topic: the fresh entries of a feed, or the topic itself if it is no
// feed.
func (s *Subscriber) take(ctx context.Context, sub *subscription, contentType string, body []byte) error {
	_, parameters, _ := mime.ParseMediaType(contentType)
	var entries []announce.Entry
	for l, err := range sitemap.Read(bytes.NewReader(body), sitemap.Config{At: sub.URL, Charset: parameters["charset"],
		MaxBytes: maxDelivery, MaxURLs: maxEntries}) {
		if err == nil && !l.Sitemap {
			entries = append(entries, announce.Entry{URL: l.URL, Modified: l.Modified})
		}
	}
	if len(entries) == 0 {
		return s.cfg.Changed(ctx, sub.Job, []crawler.URL{sub.URL})
	}
	s.mu.Lock()
	fresh := sub.dates.Fresh(entries)
	s.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	if err := s.cfg.Changed(ctx, sub.Job, fresh); err != nil {
		return err
	}
	_, now := announce.Dates{}.Compare(entries)
	s.mu.Lock()
	defer s.mu.Unlock()
	sub.dates = now
	return nil
}

// hashes are the methods of signatures (WebSub, 7.1).
var hashes = map[string]func() hash.Hash{
	"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// signed reports whether a body has a signature with a secret: METHOD=HEX.
func signed(signature, secret string, body []byte) bool {
	method, text, _ := strings.Cut(strings.TrimSpace(signature), "=")
	made, ok := hashes[strings.ToLower(method)]
	want, err := hex.DecodeString(text)
	if !ok || err != nil {
		return false
	}
	sum := hmac.New(made, []byte(secret))
	_, _ = sum.Write(body) // a hash never fails
	return hmac.Equal(sum.Sum(nil), want)
}
