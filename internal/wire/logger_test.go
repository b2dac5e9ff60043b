package wire

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRepeatedMessagesAreRateLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		l := &logger{log: slog.New(slog.NewTextHandler(&out, nil))}
		passed := func(want int) {
			t.Helper()
			if got := strings.Count(out.String(), "\n"); got != want {
				t.Fatalf("%d messages are logged, want %d:\n%s", got, want, out.String())
			}
		}
		for range 1000 {
			l.Error("Dequeue error: ", "connection refused")
		}
		passed(1)
		l.Error("another message")
		passed(2)
		time.Sleep(logEvery - 1) // advances the test's clock
		l.Error("Dequeue error: ", "connection refused")
		passed(2)
		time.Sleep(time.Nanosecond)
		l.Error("Dequeue error: ", "connection refused")
		passed(3)
		if want := `level=ERROR msg=asynq message="Dequeue error: connection refused"`; !strings.Contains(out.String(),
			want) {
			t.Errorf("the log has no %q:\n%s", want, out.String())
		}
	})
}

func TestLevelsArePreserved(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := &logger{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	l.Debug("a")
	l.Info("b")
	l.Warn("c")
	l.Error("d")
	for _, want := range []string{"level=DEBUG msg=asynq message=a", "level=INFO msg=asynq message=b",
		"level=WARN msg=asynq message=c", "level=ERROR msg=asynq message=d"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, out.String())
		}
	}
}

func TestATaskThatAsynqDoesNotRunAgainIsNotCalledExhausted(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := &logger{log: slog.New(slog.NewTextHandler(&out, nil))}
	l.Warn("Retry exhausted for task id=1")
	l.Warn("Could not move task id=1")
	if text := out.String(); strings.Contains(text, "exhausted") || !strings.Contains(text, "Could not move") {
		t.Errorf("the log is:\n%s", text)
	}
}

func TestTheMemoryOfDifferentMessagesIsBounded(t *testing.T) {
	t.Parallel()
	l := &logger{log: slog.New(slog.DiscardHandler)}
	for n := range 10_000 {
		l.Warn(fmt.Sprintf("Could not move task id=%d", n))
	}
	if len(l.last) > 102 {
		t.Errorf("%d messages are remembered", len(l.last))
	}
}
