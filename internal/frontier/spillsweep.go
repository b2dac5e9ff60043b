package frontier

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file removes objects of spilled blocks that nothing refers to, and has what the processes of
// a fleet tell each other about spilling.

const (
	// spillGrace is how long an object is kept after its last reference is gone: Redis may lose its
	// last writes in a failover, and then the reference is there again.
	spillGrace = time.Hour
	// spillerTerm is how long a worker remains the one that spills without a sign of life, and how
	// long its budget counts.
	spillerTerm = 10 * time.Second
)

// SweepSpills removes the fleet's objects in a place that nothing refers to: those whose references
// are gone for an hour, and those that were never referred to and can no longer be. With atOnce, it
// removes both without delay; call it so only while no other process of the fleet is alive. It
// returns how many objects are left.
func (s *Store) SweepSpills(ctx context.Context, where string, atOnce bool) (left int, err error) {
	place, err := s.spills.place(ctx, where)
	if err != nil {
		return 0, err
	}
	fleet, err := s.FleetID(ctx)
	if err != nil {
		return 0, err
	}
	names, err := place.Names(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("sweep %q: %w", where, redisconn.Passing(err))
	}
	for _, name := range names {
		o, ok := parseSpillObject(name)
		if !ok || o.fleet != fleet {
			continue
		}
		gone, err := s.sweepSpill(ctx, place, o, now, atOnce)
		if err != nil {
			return left, err
		}
		if !gone {
			left++
		}
	}
	return left, nil
}

// spillName is the name of an object in a place, in parts.
type spillName struct {
	name, fleet, job, object string
	shard                    int
}

// parseSpillObject reads what spillObject returns.
func parseSpillObject(name string) (o spillName, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) != 5 || parts[4] != "spill" {
		return o, false
	}
	shard, err := strconv.Atoi(parts[2])
	object, bad := hex.DecodeString(parts[3])
	if err != nil || bad != nil || len(object) != objectName {
		return o, false
	}
	return spillName{name, parts[0], parts[1], string(object), shard}, true
}

// sweepSpill removes an object if it may, and reports whether it is gone.
func (s *Store) sweepSpill(ctx context.Context, place SpillPlace, o spillName, now time.Time,
	atOnce bool) (bool, error) {
	key := shardBase(o.job, o.shard) + nameSpills
	value, err := s.rdb.HGet(ctx, key, o.object).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, fmt.Errorf("sweep spilled URLs of job %s: %w", o.job, redisconn.Passing(err))
	}
	text, _, _ := strings.Cut(value, " ")
	references := number(text)
	since, grace := namedAt(o.object), 2*spillTerm
	switch {
	case value != "" && references >= 0:
		return false, nil
	case value != "":
		since, grace = time.UnixMilli(-references), spillGrace
	}
	if now.Sub(since) < grace && !atOnce {
		return false, nil
	}
	if err := place.Remove(ctx, o.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := s.rdb.HDel(ctx, key, o.object).Err(); err != nil {
		return false, fmt.Errorf("sweep spilled URLs of job %s: %w", o.job, redisconn.Passing(err))
	}
	return true, nil
}

// HoldSpiller makes a worker the one that spills for the fleet, if no other is, and reports whether
// it is. Two workers that spill at once do no harm, but write some URLs twice.
func (s *Store) HoldSpiller(ctx context.Context, worker string) (bool, error) {
	held, err := s.rdb.SetNX(ctx, keySpiller, worker, spillerTerm).Result()
	if redisconn.RefusesWrites(err) {
		return true, nil // Redis is full, so someone must spill
	}
	if err != nil || held {
		return held, err
	}
	was, err := s.rdb.Get(ctx, keySpiller).Result()
	if err != nil || was != worker {
		return false, ignoreNil(err)
	}
	return s.rdb.PExpire(ctx, keySpiller, spillerTerm).Result()
}

// LeaveSpiller lets other workers spill.
func (s *Store) LeaveSpiller(ctx context.Context, worker string) error {
	was, err := s.rdb.Get(ctx, keySpiller).Result()
	if err != nil || was != worker {
		return ignoreNil(err)
	}
	return s.rdb.Del(ctx, keySpiller).Err()
}

// SetBudget says how many bytes of memory Redis may use. It counts for ten seconds.
func (s *Store) SetBudget(ctx context.Context, bytes int64) error {
	return s.rdb.Set(ctx, keyBudget, bytes, spillerTerm).Err()
}

// Budget returns how many bytes of memory Redis may use, as workers say; 0 if none does.
func (s *Store) Budget(ctx context.Context) (int64, error) {
	value, err := s.rdb.Get(ctx, keyBudget).Result()
	return number(value), ignoreNil(err)
}

// ignoreNil returns nil for the error that a key does not exist.
func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}
