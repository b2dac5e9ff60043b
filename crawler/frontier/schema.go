package frontier

import (
	"context"
	"fmt"
	"strconv"
)

// schema is the version of the layout of keys and of what is packed into them.
// It grows by one whenever jobs that were begun before could not be gone on
// with.
const schema = 1

// CheckSchema sees to it that the Redis holds no jobs in a layout other than
// ours. The first process of a fleet to arrive writes the version down; so does
// the first of another version that finds no job left. Two versions of trawl
// must not run on one Redis at a time: this is asked at start only.
func (s *Store) CheckSchema(ctx context.Context) error {
	ours := strconv.Itoa(schema)
	if err := s.rdb.SetNX(ctx, keySchema, ours, 0).Err(); err != nil {
		return fmt.Errorf("write the version of the layout into %s: %w", keySchema, err)
	}
	theirs, err := s.rdb.Get(ctx, keySchema).Result()
	if err != nil {
		return fmt.Errorf("read the version of the layout in %s: %w", keySchema, err)
	}
	if theirs == ours {
		return nil
	}
	jobs, err := s.Jobs(ctx)
	if err != nil {
		return err
	}
	if len(jobs) > 0 {
		return fmt.Errorf("this Redis has %d jobs in a layout of version %q (%s), but this trawl writes version %s: "+
			"go on with the trawl of that version, name another Redis or database, or finish those jobs and remove them with trawl job rm",
			len(jobs), theirs, keySchema, ours)
	}
	if err := s.rdb.Set(ctx, keySchema, ours, 0).Err(); err != nil {
		return fmt.Errorf("write the version of the layout into %s: %w", keySchema, err)
	}
	return nil
}
