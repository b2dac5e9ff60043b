package wire

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/webhook"
)

// ChangesBatch is how many changes one event tells at most.
const ChangesBatch = 100

// TellChanges enqueues tasks that tell the webhooks of a job which pages have changed: those that
// ask for [crawler.EventChanges]. pages are at most [ChangesBatch]. key identifies them within the
// job: asynq refuses the same key again for a day, so that TellChanges may be repeated. number orders
// the batches.
func (d *Dispatcher) TellChanges(ctx context.Context, store *frontier.Store, job crawler.Status, key string,
	number int64, pages []change.Page) error {
	if len(pages) == 0 || !WantsChanges(job.Job) {
		return nil
	}
	disabled, err := store.Disabled(ctx, job)
	if err != nil {
		return err
	}
	message := webhook.NewChangesMessage(job, key, number, time.Now(), pages)
	body, err := message.Body()
	if err != nil {
		return err
	}
	for _, hook := range job.Job.Webhooks {
		if !hook.Wants(crawler.EventChanges) || disabled[hook.URL] {
			continue
		}
		task, err := deliveryTask(delivery{Job: job.Job.Name, URL: hook.URL, Secret: hook.Secret, Message: body,
			ID: message.ID})
		if err == nil {
			err = d.enqueueOnce(ctx, task)
		}
		if err != nil {
			return fmt.Errorf("tell webhooks of job %s which pages have changed: %w", job.Job.Name, err)
		}
	}
	return nil
}

// WantsChanges reports whether a webhook of a job asks for [crawler.EventChanges].
func WantsChanges(job crawler.Job) bool {
	for _, hook := range job.Webhooks {
		if hook.Wants(crawler.EventChanges) {
			return true
		}
	}
	return false
}
