package fleet

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

func TestFewerVisitsBeginBeforeRedisIsFull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		used, most int64
		want       float64
	}{{50, 0, 1}, {50, 100, 1}, {90, 100, 1}, {95, 100, 0.5}, {99, 100, 0.1}, {100, 100, 0}, {120, 100, 0}} {
		if got := roomIn(c.used, c.most); got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%d of %d bytes leave room for %v of the visits, want %v", c.used, c.most, got, c.want)
		}
	}
}

func TestTheSchedulerSaysThatRedisIsNearlyFull(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	now, answers := redisconn.Vitals{Memory: 10 << 20, MaxMemory: 100 << 20}, error(nil)
	budget := int64(0)
	m := newHeadroom(func(context.Context) (redisconn.Vitals, error) { return now, answers },
		func(context.Context) (int64, error) { return budget, nil }, slog.New(slog.NewTextHandler(&said, nil)))
	look := func(used int64, err error, want float64, words ...string) {
		t.Helper()
		said.Reset()
		now.Memory, answers, m.asked = used, err, time.Time{}
		if got := m.Room(t.Context()); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("with %d bytes used there is room for %v of the visits, want %v", used, got, want)
		}
		for _, word := range words {
			if !strings.Contains(said.String(), word) {
				t.Errorf("with %d bytes used it said %q, want %q in it", used, said.String(), word)
			}
		}
		if len(words) == 0 && said.Len() > 0 {
			t.Errorf("with %d bytes used it said %q, want nothing", used, said.String())
		}
	}
	look(10<<20, nil, 1)
	look(95<<20, nil, 0.5, "Redis is nearly full", "maxmemory")
	look(95<<20, nil, 0.5)
	look(10<<20, errors.New("cannot be asked"), 0.5)
	look(100<<20, nil, 0)
	look(10<<20, nil, 1, "Redis has room again")
	budget = 40 << 20
	look(30<<20, nil, 1)
	look(38<<20, nil, 0.5, "budget of memory", "--redis-budget")
	look(50<<20, nil, 0)
	look(30<<20, nil, 1, "Redis has room again")
}
