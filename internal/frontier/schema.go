package frontier

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// schema is the version of the layout of keys and of the values packed into them. It is
// incremented by every change after which existing jobs could not be continued.
const schema = 5

// CheckSchema makes sure that Redis holds no jobs in another layout. It reads the version
// first. The version is written only by the first process of a fleet, and by the first
// process of another version that finds no jobs. If Redis refuses writes for now, for
// example because it is full, CheckSchema still succeeds, and [Store.Review] writes the
// version later. The error wraps [queue.ErrLayout] if Redis belongs to another version.
func (s *Store) CheckSchema(ctx context.Context) error {
	err := s.checkSchema(ctx, s.takeOver)
	if redisconn.RefusesWrites(err) {
		return nil
	}
	return err
}

// checkSchema calls other with the version of the layout if it is not ours.
func (s *Store) checkSchema(ctx context.Context, other func(ctx context.Context, theirs string) error) error {
	ours := strconv.Itoa(schema)
	theirs, err := s.rdb.Get(ctx, keySchema).Result()
	switch {
	case redisconn.IsWrongType(err):
		return foreign("%s is no string, so the version of the layout is unknown: if all jobs are of this version of trawl, repair it with SET %s %s", keySchema, keySchema, ours)
	case errors.Is(err, redis.Nil):
		err = s.rdb.SetNX(ctx, keySchema, ours, 0).Err()
		if err == nil {
			theirs, err = s.rdb.Get(ctx, keySchema).Result()
		}
	}
	if err != nil {
		return fmt.Errorf("read the version of the layout in %s: %w", keySchema, redisconn.Passing(err))
	}
	if theirs != ours {
		if err := other(ctx, theirs); err != nil {
			return err
		}
	}
	return s.learnFleet(ctx)
}

// takeOver replaces another version by ours, if there are no jobs.
func (s *Store) takeOver(ctx context.Context, theirs string) error {
	ours := strconv.Itoa(schema)
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return err
	}
	if len(jobs) > 0 {
		return foreign("this Redis has %d jobs in a layout of version %q (%s), but this trawl writes version %s: "+
			"go on with the trawl of that version, name another Redis or database, or finish those jobs and remove them with trawl job rm",
			len(jobs), theirs, keySchema, ours)
	}
	if err := s.rdb.Set(ctx, keySchema, ours, 0).Err(); err != nil {
		return fmt.Errorf("write the version of the layout into %s: %w", keySchema, redisconn.Passing(err))
	}
	return nil
}

// foreign returns an error that wraps [queue.ErrLayout].
func foreign(format string, args ...any) error {
	return fmt.Errorf("%w: %s", queue.ErrLayout, fmt.Sprintf(format, args...))
}

// FleetID returns the random ID of the fleet's data, of 128 bits. If Redis has no ID, because it is
// new or was emptied, it makes one.
func (s *Store) FleetID(ctx context.Context) (string, error) {
	if id := s.fleet.Load(); id != nil && *id != "" {
		return *id, nil
	}
	if err := s.learnFleet(ctx); err != nil {
		return "", err
	}
	return *s.fleet.Load(), nil
}

// learnFleet remembers the fleet's ID. If there is none, because Redis is new or was
// emptied, it writes one.
func (s *Store) learnFleet(ctx context.Context) error {
	id, err := s.rdb.Get(ctx, keyFleet).Result()
	if redisconn.IsWrongType(err) {
		err = s.rdb.Del(ctx, keyFleet).Err()
	}
	if id == "" && (err == nil || errors.Is(err, redis.Nil)) {
		if err = s.rdb.SetNX(ctx, keyFleet, rand.Text(), 0).Err(); err == nil {
			id, err = s.rdb.Get(ctx, keyFleet).Result()
		}
	}
	if err != nil {
		return fmt.Errorf("read the ID of the fleet in %s: %w", keyFleet, redisconn.Passing(err))
	}
	s.fleet.Store(&id)
	return nil
}
