package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/webhook"
)

// TypeEvent is the asynq task type that tells a webhook of an event of a job.
const TypeEvent = "crawl:event"

// EventQueue is the asynq queue for tasks of [TypeEvent]. Schedulers serve it. It cannot be the
// queue of a job, because a job's name has no colon.
const EventQueue = "crawl:event"

// eventRetention is how long a task of an event stays after its end. Meanwhile the event cannot
// be enqueued again, so a scheduler that died between enqueueing an event and recording that
// does not double it.
const eventRetention = 24 * time.Hour

// eventTimeout limits one try of a task, above the time that a request may take.
const eventTimeout = time.Minute

// delivery is the payload of a task of [TypeEvent].
type delivery struct {
	Job     string          `json:"job"`
	URL     string          `json:"url"`
	Secret  string          `json:"secret,omitempty"` // the name of the secret
	Message json.RawMessage `json:"message"`          // a CloudEvent
	ID      string          `json:"id"`
}

// PassOn enqueues what the events of a job that were not passed on yet cause: tasks that tell its
// webhooks, and what follows its end. It may be repeated, and called by several processes at
// once: asynq refuses a task whose ID it has.
func (d *Dispatcher) PassOn(ctx context.Context, store *frontier.Store, job crawler.Status) error {
	name := job.Job.Name
	events, err := store.Events(ctx, name)
	if err != nil {
		return err
	}
	last := job.Told
	for _, e := range events {
		if e.Number <= job.Told {
			continue
		}
		if err := d.passOn(ctx, store, job, e); err != nil {
			return fmt.Errorf("pass on event %s of job %s: %w", e.Name, name, err)
		}
		last = e.Number
	}
	if last == job.Told { // their key was garbage
		last = job.Events
	}
	return store.Told(ctx, name, last)
}

// passOn enqueues what one event causes.
func (d *Dispatcher) passOn(ctx context.Context, store *frontier.Store, job crawler.Status, e event.Event) error {
	receivers := job.Job.Receivers()
	if len(receivers) == 0 && e.Name != crawler.EventDone {
		return nil
	}
	counters, err := store.Counters(ctx, job.Job.Name)
	if err != nil && !errors.Is(err, queue.ErrGarbage) { // then the event says that it is 0
		return err
	}
	message := webhook.NewMessage(job, e, counters)
	body, err := message.Body()
	if err != nil {
		return err
	}
	disabled, err := store.Disabled(ctx, job)
	if err != nil {
		return err
	}
	if e.Name == crawler.EventDone {
		if err := d.follow(ctx, job, message.ID, body); err != nil {
			return err
		}
	}
	for _, hook := range receivers {
		if !hook.Wants(e.Name) || disabled[hook.URL] {
			continue
		}
		task, err := deliveryTask(delivery{Job: job.Job.Name, URL: hook.URL, Secret: hook.Secret, Message: body,
			ID: message.ID})
		if err == nil {
			err = d.enqueueOnce(ctx, task)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deliveryTask returns the task of a delivery. Its ID is that of the event and of the webhook.
func deliveryTask(v delivery) (*asynq.Task, error) {
	payload, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	hook := fnv.New64a()
	hook.Write([]byte(v.URL))
	return asynq.NewTask(TypeEvent, payload, asynq.TaskID(fmt.Sprintf("%s-%x", v.ID, hook.Sum64())),
		asynq.Queue(EventQueue), asynq.Timeout(eventTimeout), asynq.Retention(eventRetention),
		// A sender decides when to give up. asynq also counts the deaths of schedulers.
		asynq.MaxRetry(maxEventTries)), nil
}

// maxEventTries is above the number of tries of every sender.
const maxEventTries = 100

// enqueueOnce enqueues a task, unless asynq has one with its ID.
func (d *Dispatcher) enqueueOnce(ctx context.Context, task *asynq.Task) error {
	_, err := d.Client().EnqueueContext(ctx, task)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// parseDelivery reads the payload of a task of [TypeEvent].
func parseDelivery(t *asynq.Task) (delivery, error) {
	var v delivery
	if err := json.Unmarshal(t.Payload(), &v); err != nil {
		return delivery{}, fmt.Errorf("payload of a %s task: %w", t.Type(), err)
	}
	if v.Job == "" || v.URL == "" || v.ID == "" || len(v.Message) == 0 {
		return delivery{}, fmt.Errorf("payload of a %s task names no delivery: want job, url, id and message", t.Type())
	}
	return v, nil
}
