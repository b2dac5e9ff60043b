package trawl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// readTerm is the timeout for reading the numbers of a job when it has ended.
const readTerm = 2 * time.Second

// Run is a job of a [Fleet]. It is safe for concurrent use, and remains usable after the
// fleet is shut down, for its last numbers and its records.
type Run struct {
	fleet *Fleet
	name  string
}

// Name returns the name of the job.
func (r *Run) Name() string { return r.name }

// Stats returns the numbers of the job. After [Fleet.Shutdown], they are the last ones. With an
// error, such as [ErrUnavailable] while Redis cannot be reached, they are the last ones that are
// known.
func (r *Run) Stats(ctx context.Context) (_ Stats, err error) {
	select {
	case <-r.fleet.stopped:
		stats, whole := r.fleet.known(r.name)
		if !whole {
			return stats, r.fleet.closed()
		}
		return stats, nil
	default:
	}
	defer typed(ctx, &err)
	stats, err := r.fleet.stats(ctx, r.name)
	if err != nil {
		stats, _ = r.fleet.known(r.name)
		return stats, fmt.Errorf("trawl: %w", err)
	}
	return stats, nil
}

// Wait waits until the job has ended, the last handler in this process has returned, and its
// files here are closed. It returns the numbers of the job, also with an error, in which case
// they are the last ones that are known if Redis cannot be reached. The error is one that
// wraps the cause of ctx if ctx has ended; [ErrCancelled] or [ErrFailed] if the job did not
// come to its end, which wraps the error of a sink that failed in this process; [ErrNoJob] if
// it was removed; and [ErrFleetClosed] if the fleet was shut down first. Pages that failed are
// not an error, not even if all did: [Stats.Failed] counts them.
func (r *Run) Wait(ctx context.Context) (Stats, error) {
	err := r.wait(ctx)
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTerm)
	defer cancel()
	stats, failure := r.Stats(reading)
	if failure != nil && reading.Err() != nil { // Redis has not answered in time
		failure = redisconn.Passing(failure)
	}
	return stats, errors.Join(err, failure)
}

func (r *Run) wait(ctx context.Context) error {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	r.observe(ctx)
	for {
		status, quiet, gone, changed := r.fleet.board.look(r.name)
		switch {
		case status.State.Ended() && quiet:
			return r.fleet.failures.unfinished(status, "Run.Resume continues it")
		case gone && r.removed(ctx):
			return fmt.Errorf("trawl: job %q was removed before its end: %w", r.name, ErrNoJob)
		}
		select {
		case <-changed:
		case <-tick.C:
			r.observe(ctx)
		case <-r.fleet.stopped:
			return fmt.Errorf("job %q: %w", r.name, r.fleet.closed())
		case <-ctx.Done():
			return fmt.Errorf("trawl: wait for job %q: %w", r.name, ended(ctx))
		}
	}
}

// observe reads the numbers of the job, so that they are known if Redis is lost.
func (r *Run) observe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTerm)
	defer cancel()
	_, _ = r.fleet.stats(ctx, r.name) // if they cannot be read, earlier ones are known
}

// removed reports whether the job does not exist. A list of jobs does not say so: it may have
// been read before the job was created.
func (r *Run) removed(ctx context.Context) bool {
	_, err := r.refresh(ctx)
	return errors.Is(err, queue.ErrNoJob)
}

// refresh reads the status of the job.
func (r *Run) refresh(ctx context.Context) (crawler.Status, error) {
	status, err := r.fleet.process.Client.Status(ctx, r.name)
	if err == nil {
		r.fleet.board.post(status)
	}
	return status, err
}

// Pause stops the job from fetching until it is resumed. Requests and handlers under way
// finish.
func (r *Run) Pause(ctx context.Context) error { return r.do(ctx, r.fleet.Client().Pause) }

// Resume continues a job that was paused, and reopens one that is done, as [Client.Resume]
// says.
func (r *Run) Resume(ctx context.Context) error { return r.do(ctx, r.fleet.Client().Resume) }

// Cancel ends the job for good. What it has fetched stays. Handlers under way have
// Config.Grace to return; [Run.Wait] waits for them.
func (r *Run) Cancel(ctx context.Context) error { return r.do(ctx, r.fleet.Client().Cancel) }

// do changes the job, and lets the fleet see it at once.
func (r *Run) do(ctx context.Context, change func(context.Context, string) error) (err error) {
	if err := r.fleet.open(ctx); err != nil {
		return err
	}
	defer typed(ctx, &err)
	if err := change(ctx, r.name); err != nil {
		return fmt.Errorf("trawl: %w", err)
	}
	r.fleet.process.Look()
	_, err = r.refresh(ctx)
	return err
}

// Seed adds URLs to the job, whatever its scope. The result says how many were new, seen
// before, and refused, and why. Unlike the job's own seeds, they open no private addresses.
// [Client.Seed] reads a list of any length.
func (r *Run) Seed(ctx context.Context, urls ...string) (_ Seeding, err error) {
	if err := r.fleet.open(ctx); err != nil {
		return Seeding{}, err
	}
	defer typed(ctx, &err)
	list := func(yield func(string, error) bool) {
		for _, u := range urls {
			if !yield(u, nil) {
				return
			}
		}
	}
	seeding, err := r.fleet.process.Client.Seed(ctx, r.name, list, nil)
	if err != nil {
		return seeding, fmt.Errorf("trawl: %w", err)
	}
	r.fleet.process.Look()
	return seeding, nil
}

// Set changes settings of the job, by their names in job files, even while it runs, as
// [Client.Set] says.
func (r *Run) Set(ctx context.Context, changes Changes) (_ Adjustment, err error) {
	if err := r.fleet.open(ctx); err != nil {
		return Adjustment{}, err
	}
	defer typed(ctx, &err)
	adjustment, err := r.fleet.Client().Set(ctx, r.name, changes)
	if err != nil {
		return adjustment, fmt.Errorf("trawl: %w", err)
	}
	r.fleet.process.Look()
	return adjustment, nil
}

// Records returns the records of the job in Config.Out, as they are on record now: the last
// one of each URL, in the order in which they were written. Config.Out may be a bucket: then
// they are those that were shipped. Records may be called while the job runs, and after
// Shutdown. The job's Format must contain jsonl, the default. It takes about 40 bytes of memory
// for each URL.
func (r *Run) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := r.records(ctx, yield); err != nil && err != errEnough {
			withCause(ctx, &err)
			yield(Record{}, fmt.Errorf("trawl: records of job %q: %w", r.name, err))
		}
	}
}

// errEnough ends the reading of records when the loop over them has ended.
var errEnough = errors.New("the loop has ended")

// records reads the records twice: first to learn which is the last of each URL.
func (r *Run) records(ctx context.Context, yield func(Record, error) bool) error {
	root, err := output.Open(ctx, r.fleet.cfg.Out)
	if err != nil {
		return err
	}
	defer root.Close()
	in := root.In(r.name)
	segments, err := in.Segments(ctx, "pages")
	if err != nil {
		return err
	}
	seed, last := maphash.MakeSeed(), make(map[uint64]int)
	err = eachRecord(ctx, in, segments, func(n int, line []byte) error {
		var key struct {
			URL string `json:"url"`
		}
		if err := json.Unmarshal(line, &key); err != nil {
			return err
		}
		last[maphash.String(seed, key.URL)] = n
		return nil
	})
	if err != nil {
		return err
	}
	return eachRecord(ctx, in, segments, func(n int, line []byte) error {
		var record Record
		if err := json.Unmarshal(line, &record); err != nil {
			return err
		}
		if last[maphash.String(seed, record.URL)] == n && !yield(record, nil) {
			return errEnough
		}
		return nil
	})
}

// eachRecord passes all records of some segments to a function, with their numbers.
func eachRecord(ctx context.Context, in *output.Location, segments []string, do func(n int, line []byte) error) error {
	n := 0
	for _, segment := range segments {
		err := in.EachLine(ctx, segment, func(_ int64, line []byte) error {
			n++
			return do(n, line)
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}
