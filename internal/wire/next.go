package wire

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// TypeNext is the asynq task type that creates the job that follows another one.
const TypeNext = "crawl:next"

// TypeChanges is the asynq task type that compares a run of a periodic job with the run before. Its
// payload is that of [TypeNext].
const TypeChanges = "crawl:changes"

// TypePass is the asynq task type that tells the webhooks of a continuous job which pages have changed.
// Its payload is that of [TypeNext], without an event.
const TypePass = "crawl:pass"

// NextQueue is the asynq queue for tasks of [TypeNext], [TypeChanges] and [TypePass]. Workers serve it, because
// they can read what a job has found.
const NextQueue = "crawl:next"

const (
	nextTimeout = 6 * time.Hour
	nextRetries = 50 // with pauses of up to a minute: another worker may have the records
)

// Next is the payload of a task of [TypeNext] or [TypeChanges].
type Next struct {
	Job     string `json:"job"`     // the job that is done
	Created int64  `json:"created"` // distinguishes jobs of the same name
	Event   string `json:"event"`   // the ID of the event that it is done
}

// follow enqueues what follows the end of a job: a task of the program's own, the task that
// compares a run with the one before, and the task that creates the next job.
func (d *Dispatcher) follow(ctx context.Context, job crawler.Status, id string, body []byte) error {
	done := job.Job.OnDone
	if done.Task != "" {
		queue := done.Queue
		if queue == "" {
			queue = "default"
		}
		// It stays for as long as an event may be passed on again.
		err := d.enqueueOnce(ctx, asynq.NewTask(done.Task, body, asynq.TaskID(id), asynq.Queue(queue),
			asynq.Retention(eventRetention)))
		if err != nil {
			return err
		}
	}
	payload, err := json.Marshal(Next{Job: job.Job.Name, Created: job.Created.UnixMilli(), Event: id})
	if err != nil {
		return err
	}
	if job.Job.EventSettings.Changes && job.RunOf != "" {
		if err := d.enqueueForWorkers(ctx, TypeChanges, payload, id+"-changes"); err != nil {
			return err
		}
	}
	if len(done.Job) == 0 {
		return nil
	}
	return d.enqueueForWorkers(ctx, TypeNext, payload, id+"-next")
}

// enqueueForWorkers enqueues a task that reads the records of a job that is done.
func (d *Dispatcher) enqueueForWorkers(ctx context.Context, kind string, payload []byte, id string) error {
	return d.enqueueOnce(ctx, asynq.NewTask(kind, payload, asynq.TaskID(id), asynq.Queue(NextQueue),
		asynq.Timeout(nextTimeout), asynq.MaxRetry(nextRetries), asynq.Retention(eventRetention)))
}
