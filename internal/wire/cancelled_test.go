package wire_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// Cancelling a task ends the context that asynq passes to its handler, as does the end of its lease
// after half a minute without Redis. A cancellation goes to all servers of a Redis, and says only the
// ID of the task, so this one is that of no other test.
func outlivesItsTask(t *testing.T, w *queueTest) {
	ended, finish, contexts := make(chan struct{}), make(chan struct{}), make(chan context.Context, 1)
	w.serve(func(ctx context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		defer close(ended)
		contexts <- ctx
		<-finish
		return queue.Report{Host: v.Host, Ending: queue.EndDry}, nil
	}, wire.ServerConfig{})
	w.enqueue(queue.VisitRef{Host: crawler.Host(w.queue + ".example"), Epoch: 1})
	ctx := <-contexts
	id, _ := asynq.GetTaskID(ctx)
	tick := time.NewTicker(10 * time.Millisecond) // asynq does not report when it listens for cancellations
	defer tick.Stop()
	for w.task(id).State == asynq.TaskStateActive {
		if err := w.inspector.CancelProcessing(id); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("the visit was ended: %v", err)
	}
	close(finish)
	<-ended
}
