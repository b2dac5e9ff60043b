package trawl

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// These methods are what handlers do with a page. They take effect after all handlers of
// the page have returned without an error.

// Emit adds an item to the results of the page: any value that encoding/json can encode. It
// appears in the page's record, under items; as a line in items-NNNNN.jsonl if the job's
// format has items; and as a value in the [Result] that sinks get. It is encoded at once,
// so that later changes to the value do not affect files. An item that cannot be encoded
// fails the page.
func (p *Page) Emit(item any) {
	text, err := encode(item)
	if p.lock("Emit") != nil {
		return
	}
	defer p.mu.Unlock()
	if err != nil {
		p.err = cmp.Or(p.err, fmt.Errorf("emit an item of type %T: %w: %w", item, err, SkipRetry))
		return
	}
	p.yield.Items = append(p.yield.Items, queue.Item{Value: item, JSON: text})
}

// encode encodes a value as JSON without escaping &, < and >, as in records.
func encode(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Seed adds URLs to a job, this one or another, which fetches those that it has not seen.
// As seeds, they are fetched whatever the job's scope. The error says that one is not a
// URL, and wraps [SkipRetry]; or that the job does not exist, or has ended
// ([ErrNoJob], [ErrJobEnded]), which may pass.
func (p *Page) Seed(job string, urls ...string) error { return p.SeedWith("", job, urls...) }

// SeedWith is Seed with a priority for the URLs that the job has not seen.
func (p *Page) SeedWith(priority Priority, job string, urls ...string) error {
	if err := priority.Validate(); err != nil {
		return fmt.Errorf("seed job %s: %w: %w", job, err, SkipRetry)
	}
	for _, text := range urls {
		if _, err := crawler.ParseURL(text); err != nil {
			return fmt.Errorf("seed job %s: %w: %w", job, err, SkipRetry)
		}
	}
	if err := p.lock("Seed"); err != nil {
		return err
	}
	p.mu.Unlock()
	if !p.creates(job) {
		if err := p.deliverer.takesSeeds(p.ctx, job); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	if err := p.lock("Seed"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	p.outbox.seeds = append(p.outbox.seeds, outboxSeeds{job, priority, urls})
	return nil
}

// CreateJob creates a job, unless one with its name exists. The fleet's schedulers start
// it. The error names the setting that is wrong, and wraps [SkipRetry].
func (p *Page) CreateJob(job Job) error {
	job = complete(job)
	err := validate(job)
	if err == nil {
		_, err = rules.SeedEntries(job)
	}
	if err != nil {
		return fmt.Errorf("create job %q: %w: %w", job.Name, err, SkipRetry)
	}
	if err := p.lock("CreateJob"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	p.outbox.jobs = append(p.outbox.jobs, job)
	return nil
}

// Stop ends the job with this page: the page is kept, with all that its handlers did, and
// nothing is settled after it in this process; other processes end their visits within two
// seconds. The job is done then, and reason is on record, in Stats.Reason. What was under way,
// or waits, returns to the queue: it is there if the job is resumed.
func (p *Page) Stop(reason string) {
	if p.lock("Stop") != nil {
		return
	}
	defer p.mu.Unlock()
	p.outbox.stop = cmp.Or(p.outbox.stop, reason, "a handler stopped it")
}

// creates reports whether the page creates the job.
func (p *Page) creates(job string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range p.outbox.jobs {
		if j.Name == job {
			return true
		}
	}
	return false
}

// Enqueue enqueues a task of your own into asynq, into the queue that the task or the
// options name, for an asynq server of yours; asynq's web UI shows it. Its ID is derived
// from the job, the URL and the number of tasks that the page has enqueued before, and
// overrides the task's. So a page that is handled again, because its worker was killed,
// does not enqueue the task again while asynq still knows it. asynq forgets a task when it
// is done, unless it has [asynq.Retention]: without, a task may run twice. The error wraps
// [SkipRetry].
func (p *Page) Enqueue(task *asynq.Task, options ...asynq.Option) error {
	if err := p.deliverer.client.CheckTask(task, options...); err != nil {
		return fmt.Errorf("enqueue a task: %w: %w", err, SkipRetry)
	}
	if err := p.lock("Enqueue"); err != nil {
		return err
	}
	defer p.mu.Unlock()
	p.outbox.tasks = append(p.outbox.tasks, outboxTask{task, options})
	return nil
}

// errOver says that the handlers of a page have returned.
var errOver = errors.New("the handlers of the page have returned: wait for goroutines before a handler returns")

// lock takes the page's lock for a method. If the handlers have returned, it returns an
// error instead: what the method was to add is lost, which is logged once per page.
func (p *Page) lock(verb string) error {
	p.mu.Lock()
	if !p.over {
		return nil
	}
	first := !p.late
	p.late = true
	p.mu.Unlock()
	if first {
		p.deliverer.log.Error("a handler used a page after the handlers of the page had returned: the call is ignored",
			"verb", verb, "job", p.Job(), "url", p.URL())
	}
	return fmt.Errorf("%s: %w: %w", verb, errOver, SkipRetry)
}

// end records that the handlers have returned.
func (p *Page) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// fail makes the page fail when the handler returns. The first error is kept.
func (p *Page) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

func (p *Page) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// result returns what the handlers did with the page.
func (p *Page) result() visit.Yield {
	p.mu.Lock()
	defer p.mu.Unlock()
	y := p.yield
	if !p.outbox.empty() {
		y.Outbox = p.outbox
	}
	y.Stop = p.outbox.stop != ""
	return y
}
