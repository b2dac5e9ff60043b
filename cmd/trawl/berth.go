package main

import (
	"context"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// berth is where a crawl on this machine has its station. When there is no room for
// pages it is left, as a worker of a fleet leaves a job, and taken again when there
// is. It is safe for concurrent use.
type berth struct {
	again func() (*fleet.Output, error)               // opens the output if there is room; nil: the berth is never left
	moor  func(*fleet.Output) (*fleet.Station, error) // sets up a station, which owns the output

	mu      sync.Mutex
	station *fleet.Station // nil while the berth is left
	hosts   []crawler.Host // that were added to the scope
	tried   time.Time      // when there was last no room
}

// roomEvery is how often a crawl that waits looks whether there is room.
const roomEvery = time.Second

// take sets up the station. It owns the output from now on, also when it fails.
func (b *berth) take(out *fleet.Output) (err error) {
	b.station, err = b.moor(out)
	return err
}

// open begins to receive visits, which are cut off when ctx ends.
func (b *berth) open(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.station.Open(ctx)
}

// leave lets the visits end and closes the output. It returns whether there was a
// station, and why the output could not be closed as it should: then the next that
// opens it mends it.
func (b *berth) leave() (left bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station == nil {
		return false, nil
	}
	err = b.station.Close()
	b.station, b.tried = nil, time.Now()
	return true, err
}

// retake takes the berth that was left if there is room by now, and reports whether
// it did. It does not when working has ended.
func (b *berth) retake(working, hard context.Context) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station != nil || working.Err() != nil || time.Since(b.tried) < roomEvery {
		return false, nil
	}
	out, err := b.again()
	if err != nil {
		b.tried = time.Now()
		return false, err
	}
	if err := b.take(out); err != nil {
		return false, err
	}
	b.station.Scope.Extend(b.hosts)
	return true, b.station.Open(hard)
}

// extend adds a host to the scope.
func (b *berth) extend(h crawler.Host) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station != nil && b.station.Scope.HasPort(h) {
		return
	}
	b.hosts = append(b.hosts, h)
	if b.station != nil {
		b.station.Scope.Extend([]crawler.Host{h})
	}
}

// ship brings what is kept to its bucket at once.
func (b *berth) ship() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station != nil {
		b.station.Ship()
	}
}

// stop lets the visits end soon.
func (b *berth) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station != nil {
		b.station.Stop()
	}
}

// shut waits for the visits to end.
func (b *berth) shut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.station != nil {
		b.station.Shut()
	}
}

// close shuts, and waits for the output to be on disk.
func (b *berth) close() error {
	_, err := b.leave()
	return err
}
