package crawler

import (
	"slices"
	"time"
)

// EventName says what happened to a job as a whole.
type EventName string

// The events of a job. Each is made by the change in Redis that it tells of, in the same step:
// it is neither lost nor made twice when a process dies.
const (
	EventBegan     EventName = "began"     // it runs for the first time
	EventPaused    EventName = "paused"    // someone paused it
	EventResumed   EventName = "resumed"   // it runs again after it was paused, or had ended
	EventDone      EventName = "done"      // it has ended, and its output is complete
	EventFailed    EventName = "failed"    // it has ended because of an error
	EventCancelled EventName = "cancelled" // someone ended it
	EventBudget    EventName = "budget"    // one of its budgets is spent; it ends soon
	EventStalled   EventName = "stalled"   // no URL was settled for [EventSettings.StalledAfter]
	// EventChanges tells which pages have changed, in batches; see [EventSettings.Changes].
	EventChanges EventName = "changes"
	// EventHostGivenUp tells of hosts that were given up since the last such event, because they
	// refused requests or could not be reached. There is at most one a minute.
	EventHostGivenUp EventName = "host_given_up"
)

// EventSettings say who is told what happens to a job, and what follows its end.
type EventSettings struct {
	// Webhooks are told what happens to the job. Default none.
	Webhooks []Webhook `json:"webhooks,omitempty" yaml:"webhooks"`
	// OnDone says what follows when the job is done. Default nothing.
	OnDone OnDone `json:"on_done,omitzero" yaml:"on_done"`
	// StalledAfter is how long the job may settle no URL, although it has something to do,
	// before [EventStalled]. Default 10m; 0: never.
	StalledAfter time.Duration `json:"stalled_after" yaml:"stalled_after"`
	// Changes notes at the end of each run of a periodic job which pages have changed since the run
	// before. It reads the records of both runs. Default false.
	Changes bool `json:"changes,omitempty" yaml:"changes"`
}

// Webhook is a receiver of events: a URL to which each event is sent by POST, as a CloudEvent in
// JSON with a signature of Standard Webhooks.
type Webhook struct {
	// URL is the receiver's, http or https, without a login.
	URL string `json:"url" yaml:"url"`
	// Events are the events that it is told. Default all except [EventChanges], which are many.
	Events []EventName `json:"events,omitempty" yaml:"events"`
	// Secret is the name of the secret that signs what is sent, which the schedulers know: a
	// file of that name, or a variable of their environment. The secret itself is never
	// stored with a job. Default "": nothing is signed.
	Secret string `json:"secret,omitempty" yaml:"secret"`
}

// Wants reports whether the webhook is told an event.
func (w Webhook) Wants(name EventName) bool {
	return len(w.Events) == 0 && name != EventChanges || slices.Contains(w.Events, name)
}

// Receivers returns all webhooks: those of the job, and that of its end, which is told only
// [EventDone].
func (s EventSettings) Receivers() []Webhook {
	if s.OnDone.Webhook.URL == "" {
		return s.Webhooks
	}
	end := s.OnDone.Webhook
	end.Events = []EventName{EventDone}
	return append(slices.Clip(s.Webhooks), end)
}

// OnDone says what follows when a job is done: a webhook that is told, a task of the program's own
// in asynq, and a job whose seeds are what was found.
type OnDone struct {
	// Webhook is told [EventDone] and no other event, as one of [EventSettings.Webhooks] would
	// be. Default none.
	Webhook Webhook `json:"webhook,omitzero" yaml:"webhook"`
	// Task is the type of a task for asynq, whose payload is the event as webhooks get it.
	// Default none.
	Task string `json:"task,omitempty" yaml:"task"`
	// Queue is the queue of the task. Default "default", as in asynq.
	Queue string `json:"queue,omitempty" yaml:"queue"`
	// Job are the settings of the next job, by their names in job files. Without a name, the
	// job is named after this one, with "-next". Default none.
	Job map[string]any `json:"job,omitempty" yaml:"job"`
	// Seeds is a condition that selects records of the job, as of trawl export --where. Their
	// URLs are seeds of the next job, besides its own. Default "": none.
	Seeds string `json:"seeds,omitempty" yaml:"seeds"`
	// Links takes as seeds not the URLs of these records, or of all if Seeds is "", but their
	// links that lead out of the scope of the job. It requires the setting Links of the job.
	// Default false.
	Links bool `json:"links,omitempty" yaml:"links"`
}
