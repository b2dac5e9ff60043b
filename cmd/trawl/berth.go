package main

import (
	"context"
	"errors"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// berth is where a crawl on this machine has its station. It is safe for concurrent use.
type berth struct {
	mu      sync.Mutex
	station *fleet.Station
	spent   bool // the visits were told to end because of a budget
}

// open begins to receive visits, which are cut off when ctx ends.
func (b *berth) open(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station.Open(ctx)
}

// extend adds a host to the scope.
func (b *berth) extend(h crawler.Host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.station.Scope.HasPort(h) {
		b.station.Scope.Extend([]crawler.Host{h})
	}
}

// update lets the visits go by the settings that the job has now.
func (b *berth) update(job crawler.Status) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if job.Ending == "" && job.State == crawler.StateRunning && b.spent {
		return errors.New("a budget was raised while the crawl ended because of it: the same command goes on")
	}
	return b.station.Update(job)
}

// ship brings what is kept to its bucket at once.
func (b *berth) ship() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.station.Ship()
}

// stop lets the visits end soon, because of a budget or because the job runs no more.
func (b *berth) stop(budget string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = b.spent || budget != ""
	b.station.Stop()
}

// shut waits for the visits to end.
func (b *berth) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.station.Shut()
}

// close shuts, and waits for the output to be on disk.
func (b *berth) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station.Close()
}
