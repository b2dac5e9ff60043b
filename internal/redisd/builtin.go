package redisd

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// Builtin is an imitation of Redis in this process. Its data is in memory and is lost with
// the process. It listens on the loopback interface, where other users of the machine could
// reach it, so it requires a password that only its URL contains.
type Builtin struct {
	redis  *miniredis.Miniredis
	secret string
	stop   chan struct{}
	idle   chan struct{} // closed when the clock has stopped
}

// StartBuiltin starts an imitation of Redis. log may be nil.
func StartBuiltin(log *slog.Logger) (*Builtin, error) {
	b := &Builtin{
		redis:  miniredis.NewMiniRedis(),
		secret: rand.Text(),
		stop:   make(chan struct{}),
		idle:   make(chan struct{}),
	}
	b.redis.RequireAuth(b.secret)
	if err := b.redis.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the built-in redis: %w", err)
	}
	go b.runClock()
	if log != nil {
		log.Info("built-in redis started; its data is lost when this process ends", "addr", b.redis.Addr())
	}
	return b, nil
}

// runClock makes keys expire, because the imitation has to be told that time has passed.
// The TIME that scripts see is already the real one.
func (b *Builtin) runClock() {
	defer close(b.idle)
	const step = 100 * time.Millisecond
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-b.stop:
			return
		case <-ticker.C:
			// The ticker drops ticks when the machine is busy; the clock must not.
			now := time.Now()
			b.redis.FastForward(now.Sub(last))
			last = now
		}
	}
}

// patient is the read timeout for a server on the same machine. If such a server answers
// late, it is busy, and a retry would make it busier.
const patient = "read_timeout=30s"

// URL returns the address, with the password, in the form that go-redis and the command
// line accept.
func (b *Builtin) URL() string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", b.secret), Host: b.redis.Addr(), RawQuery: patient}
	return u.String()
}

// Stop ends the imitation and discards its data. It must be called once.
func (b *Builtin) Stop() {
	close(b.stop)
	<-b.idle
	b.redis.Close()
}
