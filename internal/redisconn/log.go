package redisconn

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"sync"

	"github.com/redis/go-redis/v9"
)

// logs are the logs that receive what go-redis says. go-redis has one logger for the process.
var logs processLog

// processLog passes what go-redis logs to the logs that listen.
type processLog struct {
	set sync.Once

	mu        sync.Mutex
	listening map[*slog.Logger]int // how often each listens
}

// unheard receives what go-redis logs while no log listens, as go-redis itself does.
var unheard = log.New(os.Stderr, "redis: ", log.LstdFlags)

// Listen passes what go-redis logs in this process to a log, at Debug, until stop is called: the
// errors that it reports are returned to the caller as well. Several logs may listen. The first
// call of a process sets the logger of go-redis; a program that sets its own later keeps that.
func Listen(to *slog.Logger) (stop func()) {
	logs.set.Do(func() { redis.SetLogger(&logs) })
	logs.mu.Lock()
	defer logs.mu.Unlock()
	if logs.listening == nil {
		logs.listening = make(map[*slog.Logger]int)
	}
	logs.listening[to]++
	return sync.OnceFunc(func() { logs.leave(to) })
}

// leave ends one call of Listen.
func (l *processLog) leave(to *slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listening[to]--; l.listening[to] == 0 {
		delete(l.listening, to)
	}
}

// Printf is called by go-redis.
func (l *processLog) Printf(ctx context.Context, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	listening := l.all()
	if len(listening) == 0 {
		unheard.Print(message)
		return
	}
	for _, to := range listening {
		to.DebugContext(ctx, "redis", "message", message)
	}
}

// all returns the logs that listen. They are called without the lock, because a log may use
// Redis itself.
func (l *processLog) all() (all []*slog.Logger) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for to := range l.listening {
		all = append(all, to)
	}
	return all
}
