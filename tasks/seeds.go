package tasks

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// TypeSeed is the asynq task type that adds URLs to a job. Any program that can enqueue
// into asynq, in any language, can seed with it.
const TypeSeed = "crawl:seed"

// SeedQueue is the asynq queue for tasks of [TypeSeed]. It cannot be a job's queue, because
// job names have no colon. The queue of a job accepts such tasks, too, while the job runs.
const SeedQueue = "crawl:seed"

// Limits of a task of [TypeSeed]. asynq copies the payload of an active task every few
// seconds, and its web UI shows twenty tasks per page.
const (
	MaxSeedURLs    = 10_000
	MaxSeedPayload = 1 << 20 // bytes
)

// Defaults of a task of [TypeSeed]. The options of Enqueue override them.
const (
	seedTimeout   = 5 * time.Minute
	seedRetention = 10 * time.Minute // of payload and result
	seedRetries   = 25               // some twenty minutes
)

// Seeds is the payload of a task of [TypeSeed], as JSON: add these URLs to this job.
// Unknown fields are ignored.
type Seeds struct {
	Job  string   `json:"job"`
	URLs []string `json:"urls"`
	// Priority is the priority of the URLs, for those that the job has not seen. Default "": the usual
	// one.
	Priority crawler.Priority `json:"priority,omitempty"`
}

// NewSeedTask returns a task that adds URLs to a job with their usual priority: see
// [Seeds.Task].
func NewSeedTask(job string, urls []string) (*asynq.Task, error) {
	return Seeds{Job: job, URLs: urls}.Task()
}

// Task returns a task that adds the URLs to the job when it is enqueued. Its result is a
// [crawler.Seeding] in JSON and can be read for ten minutes. Enqueueing it twice changes
// nothing: a URL is admitted only once. Task returns an error beyond [MaxSeedURLs] or
// [MaxSeedPayload]; for more URLs, make several tasks or use [Client.Seed].
func (s Seeds) Task() (*asynq.Task, error) {
	payload, err := json.Marshal(s)
	if err == nil {
		_, err = parseSeeds(payload)
	}
	if err != nil {
		return nil, err
	}
	return asynq.NewTask(TypeSeed, payload, asynq.Queue(SeedQueue),
		asynq.Timeout(seedTimeout), asynq.Retention(seedRetention), asynq.MaxRetry(seedRetries)), nil
}

// parseSeeds parses the payload of a task of TypeSeed.
func parseSeeds(payload []byte) (Seeds, error) {
	const want = `want {"job": "name", "urls": ["https://…", …]}`
	var s Seeds
	if len(payload) > MaxSeedPayload {
		return s, fmt.Errorf("the payload of a %s task has %d bytes, at most %d are allowed: make several tasks",
			TypeSeed, len(payload), MaxSeedPayload)
	}
	if err := json.Unmarshal([]byte(urltext.EncodeBytes(string(payload))), &s); err != nil {
		return s, fmt.Errorf("payload %.200q of a %s task: %w: %s", payload, TypeSeed, err, want)
	}
	switch {
	case s.Job == "":
		return s, fmt.Errorf("payload %.200q of a %s task names no job: %s", payload, TypeSeed, want)
	case len(s.URLs) == 0:
		return s, fmt.Errorf("payload %.200q of a %s task has no urls: %s", payload, TypeSeed, want)
	case len(s.URLs) > MaxSeedURLs:
		return s, fmt.Errorf("a %s task has %d urls, at most %d are allowed: make several tasks", TypeSeed, len(s.URLs),
			MaxSeedURLs)
	}
	if err := s.Priority.Validate(); err != nil {
		return s, fmt.Errorf("payload %.200q of a %s task: priority: %w", payload, TypeSeed, err)
	}
	return s, nil
}
