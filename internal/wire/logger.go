package wire

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// logEvery limits how often the same message of asynq is passed on. A server that loses its
// Redis retries without a pause, and logs each attempt.
const logEvery = 10 * time.Second

// logger passes asynq's messages on.
type logger struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]time.Time
}

func (l *logger) Debug(args ...any) { l.pass(slog.LevelDebug, args) }
func (l *logger) Info(args ...any)  { l.pass(slog.LevelInfo, args) }
func (l *logger) Warn(args ...any)  { l.pass(slog.LevelWarn, args) }
func (l *logger) Error(args ...any) { l.pass(slog.LevelError, args) }
func (l *logger) Fatal(args ...any) {
	l.pass(slog.LevelError, args)
	os.Exit(1)
}

// exhausted begins what asynq says about each task that it does not run again. For a visit it is
// wrong, because the frontier arms another one. The server logs why a task failed.
const exhausted = "Retry exhausted"

func (l *logger) pass(level slog.Level, args []any) {
	message := fmt.Sprint(args...)
	if strings.HasPrefix(message, exhausted) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.last[message]) < logEvery {
		return
	}
	if l.last == nil || len(l.last) > 100 {
		l.last = make(map[string]time.Time)
	}
	l.last[message] = now
	l.log.Log(context.Background(), level, "asynq", "message", message)
}
