package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recordstream"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// This file tells the webhooks of continuous jobs which pages have changed, from their records.

// changesEvery is how often a worker enqueues the passing on of a continuous job's changes.
const changesEvery = 10 * time.Second

// changesTerm limits one task that passes changes on.
const changesTerm = 5 * time.Minute

// orderPassing enqueues tasks that pass on the changes of continuous jobs. Even if many workers do
// so, asynq has one such task of a job at a time.
func (w *Worker) orderPassing(ctx context.Context, going []crawler.Status) {
	if w.local != nil || time.Since(w.ordered) < changesEvery {
		return
	}
	w.ordered = time.Now()
	var client *asynq.Client
	for _, job := range going {
		if !job.Job.Recrawl.On() || !wire.WantsChanges(job.Job) || !w.wants(job) {
			continue
		}
		if client == nil {
			client = asynq.NewClient(w.conn.Asynq)
			defer client.Close()
		}
		payload, err := json.Marshal(wire.Next{Job: job.Job.Name, Created: job.Created.UnixMilli()})
		if err == nil {
			_, err = client.EnqueueContext(ctx, asynq.NewTask(wire.TypePass, payload, asynq.Queue(wire.NextQueue),
				asynq.TaskID(fmt.Sprintf("%s-%d-pass", job.Job.Name, job.Created.UnixMilli())), asynq.Timeout(changesTerm),
				asynq.MaxRetry(0)))
		}
		if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) && ctx.Err() == nil {
			w.conn.complain("changes of pages cannot be passed on", err, "job", job.Job.Name)
		}
	}
}

// passChanges runs one task of [wire.TypePass]: it tells webhooks which pages have changed since the
// last time. If it is repeated, a webhook may be told of some pages again.
func (w *Worker) passChanges(ctx context.Context, t *asynq.Task) (err error) {
	var n wire.Next
	if err := json.Unmarshal(t.Payload(), &n); err != nil {
		return fmt.Errorf("payload of a %s task: %w: %w", t.Type(), err, asynq.SkipRetry)
	}
	job, err := w.conn.Store.Status(ctx, n.Job)
	if errors.Is(err, queue.ErrNoJob) || err == nil && job.Created.UnixMilli() != n.Created {
		return nil
	}
	if err != nil {
		return err
	}
	cursor, number, err := w.conn.Store.ChangesTold(ctx, n.Job)
	if err != nil {
		return err
	}
	queues := wire.NewDispatcher(w.conn.Asynq, changesTerm)
	defer func() { err = errors.Join(err, queues.Close()) }()
	stream := recordstream.New(w.conn.Store, recordstream.Config{Machine: HostName()})
	for more := true; more && ctx.Err() == nil; {
		var batch []change.Page
		next := ""
		next, more, err = stream.Changes(ctx, job, cursor, func(p change.Page) (bool, error) {
			batch = append(batch, p)
			return len(batch) < wire.ChangesBatch, nil
		})
		if err == nil && len(batch) > 0 {
			number++
			err = queues.TellChanges(ctx, w.conn.Store, job, keyOf(batch), number, batch)
		}
		if err == nil && next != cursor {
			cursor = next
			err = w.conn.Store.TellChanges(ctx, n.Job, cursor, number)
		}
		if err != nil {
			w.conn.Log.Warn("changes of pages cannot be passed on; it is tried again", "job", n.Job, "error", err)
			return err
		}
	}
	return ctx.Err()
}

// keyOf identifies a batch by its content, so that the same batch is not sent twice.
func keyOf(batch []change.Page) string {
	sum := fnv.New64a()
	for p := range slices.Values(batch) {
		fmt.Fprintln(sum, p.Class, p.URL, p.FetchedAt)
	}
	return fmt.Sprintf("%x", sum.Sum64())
}
