package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Manifest tells Redis what becomes of the segments in a spool. Each tray of the spool
// is a segment, named like its writer. It implements [spool.Manifest].
type Manifest struct {
	store *frontier.Store

	mu   sync.Mutex
	next map[string]time.Time // by job: when its segments are to be prolonged again
}

// NewManifest returns a manifest of segments that are written in a store.
func NewManifest(store *frontier.Store) *Manifest {
	return &Manifest{store: store, next: make(map[string]time.Time)}
}

// Shipped settles the URLs of a segment for good. Of a job that was removed there is
// nothing to settle.
func (m *Manifest) Shipped(ctx context.Context, job, writer string) error {
	status, err := m.store.Status(ctx, job)
	if errors.Is(err, crawler.ErrNoJob) {
		return nil
	}
	if err == nil {
		_, err = m.store.Frontier(status.Job).Shipped(ctx, writer)
	}
	return err
}

// Waiting says that the worker of these segments lives, four times in the time after
// which it would count as lost.
func (m *Manifest) Waiting(ctx context.Context, writers map[string][]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for job := range m.next {
		if writers[job] == nil {
			delete(m.next, job)
		}
	}
	for job, segments := range writers {
		if time.Now().Before(m.next[job]) {
			continue
		}
		status, err := m.store.Status(ctx, job)
		switch {
		case errors.Is(err, crawler.ErrNoJob):
			m.next[job] = time.Now().Add(time.Minute)
			continue
		case err != nil:
			return err
		}
		if err := m.store.Frontier(status.Job).Prolong(ctx, segments); err != nil {
			return err
		}
		m.next[job] = time.Now().Add(time.Duration(status.Job.LostAfter) / 4)
	}
	return nil
}
