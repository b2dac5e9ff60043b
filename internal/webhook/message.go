package webhook

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/event"
)

// TypePrefix begins the type of each event; its name follows. CloudEvents 1.0, "type": it should
// be prefixed with a reverse-DNS name.
const TypePrefix = "com.github.trawlcrawler.job."

// ContentType is the media type of a message (CloudEvents 1.0, HTTP Protocol Binding, 3.2).
const ContentType = "application/cloudevents+json"

// Message is an event as receivers get it: a CloudEvent in the structured mode of JSON.
type Message struct {
	SpecVersion string `json:"specversion"` // 1.0
	// ID is the same in each try and for each receiver. Together with Source it is unique.
	ID string `json:"id"`
	// Source is a reference that names the job.
	Source  string `json:"source"`
	Type    string `json:"type"`
	Subject string `json:"subject"` // the name of the job
	Time    string `json:"time"`    // of the event, as in RFC 3339
	// Sequence orders the events of a job, as a text that sorts (CloudEvents, extension
	// "sequence"): an event that had to be tried again may arrive after a later one.
	Sequence        string `json:"sequence"`
	DataContentType string `json:"datacontenttype"`
	Data            Data   `json:"data"`
}

// Data is what an event says about its job.
type Data struct {
	Job    string            `json:"job"`
	Event  crawler.EventName `json:"event"`
	Reason string            `json:"reason,omitempty"`
	RunOf  string            `json:"run_of,omitempty"` // the periodic job that the job is a run of
	// Created, Started and Ended are times of the job; nil if it has not come to that.
	Created *time.Time `json:"created,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	// Pages, Settled, Failed, Waiting and Bytes are counters of the job, as they were when the
	// event was passed on, within a second of it unless no scheduler was there.
	Pages   int64 `json:"pages"`
	Settled int64 `json:"settled"`
	Failed  int64 `json:"failed"`
	Waiting int64 `json:"waiting"`
	Bytes   int64 `json:"bytes"`
	Records int64 `json:"records"`
	Items   int64 `json:"items,omitempty"`
	// GivenUp are the hosts of [crawler.EventHostGivenUp]; nil for other events.
	GivenUp *event.GivenUp `json:"given_up,omitempty"`
}

// ChangesData is what the event [crawler.EventChanges] says: which pages have changed. It has no
// counters.
type ChangesData struct {
	Job     string            `json:"job"`
	Event   crawler.EventName `json:"event"`
	RunOf   string            `json:"run_of,omitempty"` // the periodic job that the job is a run of
	Changes []change.Page     `json:"changes"`
}

// ChangesMessage is a message with [ChangesData].
type ChangesMessage struct {
	Message
	Data ChangesData `json:"data"` // encoded instead of that of the message
}

// Body encodes the message.
func (m ChangesMessage) Body() ([]byte, error) { return json.Marshal(m) }

// NewChangesMessage returns the message about a part of the changes that a job has found. key
// identifies the part within the job, number orders the parts.
func NewChangesMessage(job crawler.Status, key string, number int64, at time.Time, pages []change.Page) ChangesMessage {
	name := job.Job.Name
	m := Message{
		SpecVersion: "1.0", ID: fmt.Sprintf("%s-%s-changes-%s", name, strconv.FormatInt(job.Created.UnixMilli(), 36), key),
		Source: "/trawl/jobs/" + name, Type: TypePrefix + string(crawler.EventChanges), Subject: name,
		Time: at.UTC().Format(time.RFC3339Nano), Sequence: fmt.Sprintf("%010d", number),
		DataContentType: "application/json",
	}
	return ChangesMessage{m, ChangesData{Job: name, Event: crawler.EventChanges, RunOf: job.RunOf, Changes: pages}}
}

// NewMessage returns the message about an event of a job.
func NewMessage(job crawler.Status, e event.Event, c crawler.Counters) Message {
	name := job.Job.Name
	return Message{
		SpecVersion: "1.0", ID: e.ID(name, job.Created), Source: "/trawl/jobs/" + name,
		Type: TypePrefix + string(e.Name), Subject: name, Time: e.Time.UTC().Format(time.RFC3339Nano),
		Sequence: fmt.Sprintf("%010d", e.Number), DataContentType: "application/json",
		Data: Data{
			Job: name, Event: e.Name, Reason: e.Reason, RunOf: job.RunOf,
			Created: known(job.Created), Started: known(job.Started), Ended: known(job.Ended),
			Pages: c.Pages(), Settled: c.Settled(), Failed: c.Failed(), Waiting: c.Waiting, Bytes: c.Bytes,
			Records: c.Recorded(), Items: c.Items, GivenUp: e.GivenUp,
		},
	}
}

// Body encodes the message.
func (m Message) Body() ([]byte, error) { return json.Marshal(m) }

// known returns nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
