package frontier

import (
	"context"
	"fmt"
	"strconv"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// DeliveryNote says how one try to deliver an event went.
type DeliveryNote struct {
	URL      string
	Err      error // nil if it was delivered
	GivenUp  bool  // it is not tried again
	Gone     bool  // the webhook wants no more events
	Revision int64 // of the job's settings
}

// maxDeliveryError is how much of an error is kept.
const maxDeliveryError = 500

// NoteDelivery records a delivery. It does nothing for a job that was removed.
func (s *Store) NoteDelivery(ctx context.Context, job string, n DeliveryNote) error {
	text := ""
	if n.Err != nil {
		text = n.Err.Error()
		text = text[:min(len(text), maxDeliveryError)]
	}
	base := jobBase(job)
	return runKeys(ctx, s.rdb, deliveredScript(), "delivered", []string{base + nameWebhooks, base + nameJob}, n.URL,
		text, flag(n.GivenUp), flag(n.Gone), n.Revision).Err()
}

// Deliveries lists the webhooks of a job, in the order of its settings; that of its end is last.
func (s *Store) Deliveries(ctx context.Context, job crawler.Status) ([]event.Deliveries, error) {
	h, err := s.noted(ctx, job)
	if err != nil {
		return nil, err
	}
	var all []event.Deliveries
	for _, hook := range job.Job.Receivers() {
		d := event.Deliveries{
			URL: hook.URL, Delivered: number(h["delivered "+hook.URL]), Failed: number(h["failed "+hook.URL]),
			GivenUp: number(h["given_up "+hook.URL]), Error: h["error "+hook.URL],
			Disabled: h["gone "+hook.URL] == strconv.FormatInt(job.Revision, 10),
		}
		if last := moment(h["last "+hook.URL]); !last.IsZero() {
			d.Last = &last
		}
		all = append(all, d)
	}
	return all, nil
}

// Disabled returns the webhooks of a job, by URL, that want no more events.
func (s *Store) Disabled(ctx context.Context, job crawler.Status) (map[string]bool, error) {
	all, err := s.Deliveries(ctx, job)
	disabled := make(map[string]bool)
	for _, d := range all {
		disabled[d.URL] = d.Disabled
	}
	return disabled, err
}

// noted reads the notes of deliveries.
func (s *Store) noted(ctx context.Context, job crawler.Status) (map[string]string, error) {
	if len(job.Job.Receivers()) == 0 {
		return nil, nil
	}
	h, err := s.rdb.HGetAll(ctx, jobBase(job.Job.Name)+nameWebhooks).Result()
	if err != nil && !redisconn.IsWrongType(err) {
		return nil, fmt.Errorf("webhooks of job %s: %w", job.Job.Name, err)
	}
	return h, nil
}

// Notes about the changes of pages that webhooks were told of; they are kept among the notes of
// deliveries.
const (
	fieldChangesCursor = "changes_cursor"
	fieldChangesNumber = "changes_number"
)

// ChangesTold returns how far the webhooks of a continuous job have been told of its changes: the
// cursor of the last [Store.TellChanges], "" at first, and how many events that took.
func (s *Store) ChangesTold(ctx context.Context, job string) (cursor string, events int64, err error) {
	got, err := s.rdb.HMGet(ctx, jobBase(job)+nameWebhooks, fieldChangesCursor, fieldChangesNumber).Result()
	if redisconn.IsWrongType(err) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("webhooks of job %s: %w", job, err)
	}
	cursor, _ = got[0].(string)
	text, _ := got[1].(string)
	return cursor, number(text), nil
}

// TellChanges notes that the changes up to a cursor were told, in the given number of events since
// the job was created. It does nothing for a job that was removed.
func (s *Store) TellChanges(ctx context.Context, job, cursor string, events int64) error {
	base := jobBase(job)
	return runKeys(ctx, s.rdb, changesScript(), "changes", []string{base + nameWebhooks, base + nameJob}, cursor,
		events).Err()
}
