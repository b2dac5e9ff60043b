package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// keptEvents is how many events of a job stay visible after they were passed on.
const keptEvents = 100

// eventKeys returns the keys of the scripts that make events.
func eventKeys(job string) []string {
	return []string{jobBase(job) + nameJob, jobBase(job) + nameEvents}
}

// Events returns the events of a job, oldest first: those that were not passed on yet, and the
// last hundred of the others. What is not an event is left out.
func (s *Store) Events(ctx context.Context, job string) ([]event.Event, error) {
	kept, err := s.rdb.LRange(ctx, jobBase(job)+nameEvents, 0, -1).Result()
	if err != nil && !redisconn.IsWrongType(err) { // the next event replaces a key of another type
		return nil, fmt.Errorf("events of job %s: %w", job, err)
	}
	all := make([]event.Event, 0, len(kept))
	for _, text := range kept {
		if e, err := event.Parse(text); err == nil {
			all = append(all, e)
		}
	}
	return all, nil
}

// Told records that the events of a job up to the one of the given number were passed on.
func (s *Store) Told(ctx context.Context, job string, number int64) error {
	return runKeys(ctx, s.rdb, toldScript(), "told", eventKeys(job), number, keptEvents).Err()
}

// Stalled makes the event that the number of settled URLs of a running job has not changed for a
// time, unless that number has made one before.
func (s *Store) Stalled(ctx context.Context, job string, settled int64, since time.Duration) error {
	reason := fmt.Sprintf("no URL was settled for %v; %s so far", since,
		plain.Plural(settled, "URL is settled", "URLs are settled"))
	return runKeys(ctx, s.rdb, stallScript(), "stall", eventKeys(job), settled, reason).Err()
}
