// Package testhook is the other side of webhooks, for tests: a [Receiver] that verifies what it
// gets as Standard Webhooks and CloudEvents say, without the code that signs it.
package testhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Event is a CloudEvent as it arrived.
type Event struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Source          string `json:"source"`
	Type            string `json:"type"`
	Subject         string `json:"subject"`
	Time            string `json:"time"`
	Sequence        string `json:"sequence"`
	DataContentType string `json:"datacontenttype"`
	Data            map[string]any
}

// Name returns the name of the event, which ends its type.
func (e Event) Name() string { return e.Type[strings.LastIndex(e.Type, ".")+1:] }

// Tolerance is how far the clock of a sender may be from that of a receiver.
const Tolerance = 5 * time.Minute

// Receiver is a server on the loopback interface that accepts events. It is safe for concurrent
// use.
type Receiver struct {
	URL string

	t       testing.TB
	address string

	mu       sync.Mutex
	server   *http.Server
	secrets  []string
	ahead    time.Duration
	answer   func(Event) int
	accepted []Event
	refused  []string // why
	changed  chan struct{}
}

// New starts a receiver that accepts what is signed with one of the secrets, or everything if there
// are none. It ends with the test.
func New(t testing.TB, secrets ...string) *Receiver {
	t.Helper()
	r := &Receiver{t: t, address: "127.0.0.1:0", secrets: secrets, changed: make(chan struct{})}
	r.Start()
	t.Cleanup(r.Stop)
	r.URL = "http://" + r.address + "/hook"
	return r
}

// Start starts the receiver again at its address.
func (r *Receiver) Start() {
	r.t.Helper()
	listener, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(r.receive)}
	r.mu.Lock()
	r.address, r.server = listener.Addr().String(), server
	r.mu.Unlock()
	go func() { _ = server.Serve(listener) }()
}

// Stop makes the receiver unreachable.
func (r *Receiver) Stop() {
	r.mu.Lock()
	server := r.server
	r.mu.Unlock()
	_ = server.Close()
}

// Trust replaces the secrets that the receiver accepts.
func (r *Receiver) Trust(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets = secrets
}

// SetClock puts the clock of the receiver ahead of the machine's, or behind it.
func (r *Receiver) SetClock(ahead time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead = ahead
}

// Answer makes the receiver respond to valid events with a status. It counts as accepted if that
// is 2xx. Nil stands for 204.
func (r *Receiver) Answer(answer func(Event) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *Receiver) receive(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the sender has gone
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { close(r.changed); r.changed = make(chan struct{}) }()
	event, err := r.verify(request, body)
	if err != nil {
		r.refused = append(r.refused, err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status := http.StatusNoContent
	if r.answer != nil {
		status = r.answer(event)
	}
	if status/100 == 2 {
		r.accepted = append(r.accepted, event)
	} else {
		r.refused = append(r.refused, strconv.Itoa(status))
	}
	w.WriteHeader(status)
}

// verify checks the form of a request, its time and its signature.
func (r *Receiver) verify(request *http.Request, body []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return e, err
	}
	id, stamp := request.Header.Get("webhook-id"), request.Header.Get("webhook-timestamp")
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	seconds, wrong := strconv.ParseInt(stamp, 10, 64)
	switch {
	case request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/cloudevents+json":
		return e, fmt.Errorf("%s of %s is no CloudEvent", request.Method, request.Header.Get("Content-Type"))
	case e.SpecVersion != "1.0" || e.ID == "" || e.Source == "" || e.Type == "" || e.DataContentType != "application/json":
		return e, fmt.Errorf("an attribute is missing: %s", body)
	case err != nil || at.IsZero() || e.ID != id || e.Subject != e.Data["job"]:
		return e, fmt.Errorf("an attribute is wrong: %s", body)
	case wrong != nil:
		return e, wrong
	}
	if off := time.Now().Add(r.ahead).Sub(time.Unix(seconds, 0)).Abs(); off > Tolerance {
		return e, fmt.Errorf("the timestamp is %v off", off.Round(time.Second))
	}
	if len(r.secrets) == 0 {
		return e, nil
	}
	for version := range strings.FieldsSeq(request.Header.Get("webhook-signature")) {
		if slices.ContainsFunc(r.secrets, func(secret string) bool { return version == Signature(secret, id, stamp, body) }) {
			return e, nil
		}
	}
	return e, fmt.Errorf("no signature is valid: %q", request.Header.Get("webhook-signature"))
}

// Signature returns the signature of a message with a secret, with its version.
func Signature(secret, id, stamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err.Error()
	}
	sum := hmac.New(sha256.New, key)
	fmt.Fprintf(sum, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// Accepted returns the events that were accepted, in the order in which they came.
func (r *Receiver) Accepted() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.accepted)
}

// Refused says why requests were refused.
func (r *Receiver) Refused() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.refused)
}

// Names returns the names of the events that were accepted, by their sequence.
func Names(events []Event) []string {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b Event) int { return strings.Compare(a.Sequence, b.Sequence) })
	names := make([]string, len(events))
	for i, e := range events {
		names[i] = e.Name()
	}
	return names
}

// Wait waits until enough holds, which is asked after each request, or fails the test when ctx
// ends.
func (r *Receiver) Wait(ctx context.Context, what string, enough func() bool) {
	r.t.Helper()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if enough() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			r.t.Fatalf("waiting for %s: accepted %q, refused %q", what, Names(r.Accepted()), r.Refused())
		}
	}
}

// WaitFor waits until the receiver has accepted an event of each name.
func (r *Receiver) WaitFor(ctx context.Context, names ...string) {
	r.t.Helper()
	r.Wait(ctx, strings.Join(names, ", "), func() bool {
		got := Names(r.Accepted())
		return !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(got, name) })
	})
}
