package trawl

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// What handlers do with a page. Nothing of it is done before all handlers of the page
// have returned without an error.

// Emit adds an item to the results of the page: whatever encoding/json can write. It
// is in the page's record, under items; a line of its own in items-NNNNN.jsonl if the
// job's format has items; and a value in the [Result] that sinks get. It is written
// down now, so that what is changed later does not matter to files. An item that can
// not be written fails the page.
func (p *Page) Emit(item any) {
	text, err := encode(item)
	if err != nil {
		p.fail(fmt.Errorf("emit an item of type %T: %w: %w", item, err, SkipRetry))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.yield.Items = append(p.yield.Items, crawler.Item{Value: item, JSON: text})
}

// encode writes a value as JSON in which &, < and > stand as they are, as in records.
func encode(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Follow adds a link of the page to the job: a reference, as found in it. It reports
// whether the link belongs to the job; one that is no URL, or that scope, filters or
// depth refuse, does not. What only depth refuses is followed nevertheless if the page
// turns out to be nearer to a seed. A URL that the job has met before is not fetched again. Jobs
// follow the links that they find themselves, unless their Follow is false.
func (p *Page) Follow(ref string) bool {
	u, err := p.resolve(ref)
	if err != nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.yield.Links = append(p.yield.Links, u) // one that is too deep now may come nearer
	return p.handed.Refuses(u) == ""
}

// Seed brings URLs to a job, this one or another, which fetches those that it has not
// met. They belong to it whatever its scope says, as seeds do. The error says that one
// is no URL, and wraps [SkipRetry]; or that the job does not exist, or has ended
// ([crawler.ErrNoJob], [crawler.ErrJobEnded]), which may pass.
func (p *Page) Seed(job string, urls ...string) error { return p.SeedWith("", job, urls...) }

// SeedWith does what Seed does, and gives the URLs a priority that the job has not met.
func (p *Page) SeedWith(priority Priority, job string, urls ...string) error {
	if _, err := crawler.ParsePriority(string(priority)); err != nil {
		return fmt.Errorf("seed job %s: %w: %w", job, err, SkipRetry)
	}
	for _, text := range urls {
		if _, err := crawler.ParseURL(text); err != nil {
			return fmt.Errorf("seed job %s: %w: %w", job, err, SkipRetry)
		}
	}
	if !p.creates(job) {
		if err := p.about.takesSeeds(p.ctx, job); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mail.seeds = append(p.mail.seeds, seeds{job, priority, urls})
	return nil
}

// CreateJob creates a job, if there is none of its name; the fleet's schedulers let it
// run. The error names the setting that is wrong, and wraps [SkipRetry].
func (p *Page) CreateJob(job Job) error {
	err := job.Validate()
	if err == nil {
		_, err = job.SeedEntries()
	}
	if err != nil {
		return fmt.Errorf("create job %q: %w: %w", job.Name, err, SkipRetry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mail.jobs = append(p.mail.jobs, job)
	return nil
}

// creates reports whether the page creates the job.
func (p *Page) creates(job string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range p.mail.jobs {
		if j.Name == job {
			return true
		}
	}
	return false
}

// Enqueue enqueues a task of your own into asynq, in whatever queue the task or the
// options say, for an asynq server of yours; asynq's web UI shows it. Its ID is made
// of the job, the URL and how many tasks the page has enqueued before, and overrules
// one of the task: so that a page that is handled again, because its worker was
// killed, does not enqueue it again while asynq still knows it. asynq forgets a task
// when it is done, unless it has [asynq.Retention]: without, a task may be carried out
// twice. The error wraps [SkipRetry].
func (p *Page) Enqueue(task *asynq.Task, options ...asynq.Option) error {
	if err := p.about.client.CheckTask(task, options...); err != nil {
		return fmt.Errorf("enqueue a task: %w: %w", err, SkipRetry)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mail.tasks = append(p.mail.tasks, letter{task, options})
	return nil
}

// fail lets the page fail when the handler returns. The first error stays.
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

// result is what the handlers made of the page.
func (p *Page) result() crawler.Yield {
	p.mu.Lock()
	defer p.mu.Unlock()
	y := p.yield
	if !p.mail.empty() {
		y.Mail = p.mail
	}
	return y
}
