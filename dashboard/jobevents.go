package dashboard

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
)

// eventReport is an event of a job in the API.
type eventReport struct {
	Number int64             `json:"number"` // 1 for the first event of the job
	Event  crawler.EventName `json:"event"`
	Time   time.Time         `json:"time"`
	Reason string            `json:"reason,omitempty"`
	// GivenUp are the hosts that an event about them tells of.
	GivenUp *event.GivenUp `json:"given_up,omitempty"`
}

// addEvents adds to a sheet the events of its job, and their deliveries to webhooks.
func (d *Dashboard) addEvents(ctx context.Context, sh *sheet) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		all, err := d.jobs.Events(ctx, sh.Name)
		for _, e := range all {
			sh.Events = append(sh.Events, eventReport{e.Number, e.Name, inUTC(e.Time), e.Reason, e.GivenUp})
		}
		return err
	})
	group.Go(func() (err error) { sh.Webhooks, err = d.jobs.Deliveries(ctx, sh.Name); return err })
	return group.Wait()
}

// shownEvents is how many events the page of a job lists; the API has up to a hundred.
const shownEvents = 12

// eventRow is an event on the page of a job.
type eventRow struct{ Name, Tone, Reason, When string }

// eventNames are the events in the words of the page.
var eventNames = map[crawler.EventName]string{
	crawler.EventBudget: "budget spent", crawler.EventHostGivenUp: "hosts given up",
}

// eventRows lists the last events, the newest first.
func eventRows(all []eventReport, now time.Time) (rows []eventRow) {
	for _, e := range slices.Backward(all[max(0, len(all)-shownEvents):]) {
		row := eventRow{Name: string(e.Event), Tone: "off", Reason: e.Reason, When: agoText(e.Time, now)}
		if name := eventNames[e.Event]; name != "" {
			row.Name = name
		}
		switch e.Event {
		case crawler.EventBegan, crawler.EventResumed, crawler.EventDone:
			row.Tone = "go"
		case crawler.EventPaused, crawler.EventBudget:
			row.Tone = "hold"
		case crawler.EventFailed, crawler.EventStalled, crawler.EventHostGivenUp:
			row.Tone = "bad"
		}
		rows = append(rows, row)
	}
	return rows
}

// webhookRow is a webhook on the page of a job.
type webhookRow struct {
	Text  string
	Alarm bool
}

// webhookRows says what was delivered to each webhook.
func webhookRows(all []event.Deliveries) (rows []webhookRow) {
	for _, w := range all {
		rows = append(rows, webhookRow{w.String(), w.Error != "" || w.GivenUp > 0 || w.Disabled})
	}
	return rows
}
