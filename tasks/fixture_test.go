package tasks_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// queueTest is a Redis for a job's queue.
type queueTest struct {
	t         *testing.T
	redis     asynq.RedisClientOpt
	inspector *asynq.Inspector
	job       crawler.Status
	queue     string
}

func newQueueTest(t *testing.T, url string) *queueTest {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	w := &queueTest{
		t: t, queue: redistest.Name(t),
		redis: asynq.RedisClientOpt{
			Network: opt.Network, Addr: opt.Addr, Username: opt.Username, Password: opt.Password, DB: opt.DB,
		},
	}
	w.job = crawler.Status{Job: crawler.DefaultJob(), Created: time.UnixMilli(1_700_000_000_000)}
	w.job.Job.Name = w.queue
	w.inspector = asynq.NewInspector(w.redis)
	t.Cleanup(func() { w.inspector.Close() })
	return w
}

// serve serves a queue until the test ends: visits, which do nothing, and tasks of other types.
func (w *queueTest) serve(queueName string, others map[string]asynq.HandlerFunc) {
	w.t.Helper()
	visit := func(_ context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		return queue.Report{Host: v.Host, Ending: queue.EndDry}, nil
	}
	s, err := wire.Serve(w.t.Context(), w.redis, visit, wire.ServerConfig{Job: queueName, Others: others})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(s.Close)
}
