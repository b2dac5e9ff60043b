package redisconn

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestWhatRedisLogsGoesToThoseWhoListen(t *testing.T) { // not parallel: go-redis has one logger
	var one, other bytes.Buffer
	log := slog.New(slog.NewTextHandler(&one, &slog.HandlerOptions{Level: slog.LevelDebug}))
	stop := Listen(log)
	stopAgain := Listen(log)
	stopOther := Listen(slog.New(slog.NewTextHandler(&other, nil))) // from Info
	defer stopOther()
	logs.Printf(t.Context(), "first %d", 1)
	stop()
	stop() // changes nothing
	logs.Printf(t.Context(), "second")
	stopAgain()
	logs.Printf(t.Context(), "third")
	if n := strings.Count(one.String(), "level=DEBUG msg=redis message="); n != 2 ||
		!strings.Contains(one.String(), `message="first 1"`) || strings.Contains(one.String(), "third") {
		t.Errorf("a log that listened twice has:\n%s", &one)
	}
	if other.Len() > 0 {
		t.Errorf("a log from Info on has:\n%s", &other)
	}
}
