package rules

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// OwnTasks begins the types of Trawl's own asynq tasks and the names of its own queues.
const OwnTasks = "crawl:"

// nextSuffix ends the name of a next job that has no other.
const nextSuffix = "-next"

// recordless are the formats that keep no record for every URL.
var recordless = []string{"warc", "links", "items"}

// checkOnDone checks what follows the end of a job.
func checkOnDone(j crawler.Job) error {
	d := j.OnDone
	finds := d.Seeds != "" || d.Links
	records := slices.ContainsFunc(j.Format, func(f string) bool { return !slices.Contains(recordless, f) })
	if err := checkEndWebhook(j); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(d.Task, OwnTasks):
		return settingError("on_done.task", "%q is the type of a task of Trawl's own: want a type of yours", d.Task)
	case strings.HasPrefix(d.Queue, OwnTasks):
		return settingError("on_done.queue", "%q is a queue of Trawl's own: want a queue of yours", d.Queue)
	case d.Queue != "" && d.Task == "":
		return settingError("on_done.queue", "%q would get no task: name its type in on_done.task", d.Queue)
	case finds && len(d.Job) == 0:
		return settingError("on_done.seeds", "there is no job for the seeds: give its settings in on_done.job")
	case finds && !records:
		return settingError("on_done.seeds", "the formats %v have no records to choose from: add jsonl or parquet", j.Format)
	case d.Links && !j.Links:
		return settingError("on_done.links", "the records of the job do not list links: set links")
	case len(d.Job) == 0:
		return nil
	}
	next, err := NextJob(j)
	if err == nil && next.Name == j.Name {
		return settingError("on_done.job.name", "%q is the name of the job itself: name the next job differently", j.Name)
	}
	return err
}

// checkEndWebhook checks the receiver that is told of the end.
func checkEndWebhook(j crawler.Job) error {
	hook := j.OnDone.Webhook
	switch {
	case hook.URL == "" && hook.Secret == "" && len(hook.Events) == 0:
		return nil
	case len(hook.Events) > 0:
		return settingError("on_done.webhook.events", "%v: it is told of the end only: leave it out, or put it into webhooks",
			hook.Events)
	case slices.ContainsFunc(j.Webhooks, func(w crawler.Webhook) bool { return w.URL == hook.URL }):
		return settingError("on_done.webhook.url", "it is one of webhooks already: leave one of them out")
	}
	return checkWebhook("on_done.webhook", hook)
}

// NextJob returns the job that follows the end of another one, which names it. Its User-Agent and
// its contact are those of that job, unless it has its own.
func NextJob(j crawler.Job) (crawler.Job, error) {
	next := crawler.DefaultJob()
	next.Name, next.UserAgent, next.Contact = j.Name+nextSuffix, j.UserAgent, j.Contact
	known := settingNames()
	for name := range j.OnDone.Job {
		if !slices.Contains(known, name) {
			return crawler.Job{}, settingError("on_done.job", "%q is not a setting of a job%s", name,
				plain.Suggest(name, known))
		}
	}
	text, err := json.Marshal(j.OnDone.Job)
	if err == nil {
		err = json.Unmarshal(text, &next)
	}
	if err != nil {
		return crawler.Job{}, settingError("on_done.job", "%v", err)
	}
	if next.Schedule != "" {
		return crawler.Job{}, settingError("on_done.job.schedule",
			"%q: the next job starts when this one is done: leave it out", next.Schedule)
	}
	if err := Validate(next); err != nil {
		return crawler.Job{}, settingError("on_done.job", "%v", err)
	}
	return next, nil
}

// settingNames lists the names of the settings of a job.
func settingNames() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[crawler.Job]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}
