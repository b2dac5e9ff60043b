package frontier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/spread"
)

// exampleOf is the prefix of the fields with examples; see spread.lua.
const exampleOf = "of "

// AddSpread adds to the numbers of a job what a worker has counted. It does nothing for a job
// that was removed.
func (s *Store) AddSpread(ctx context.Context, job string, c spread.Counts) error {
	args := make([]any, 0, 3*len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		args = append(args, name, c[name].URLs, c[name].Example)
	}
	if len(args) == 0 {
		return nil
	}
	return runKeys(ctx, s.rdb, spreadScript(), "spread", []string{jobBase(job) + nameJob, jobBase(job) + nameSpread},
		args...).Err()
}

// Spread returns the numbers of a job; empty if it has fetched nothing, or was cleared.
func (s *Store) Spread(ctx context.Context, job string) (spread.Counts, error) {
	fields, err := s.rdb.HGetAll(ctx, jobBase(job)+nameSpread).Result()
	if redisconn.IsWrongType(err) {
		return spread.Counts{}, nil // the next worker that adds to it replaces it
	}
	if err != nil {
		return nil, fmt.Errorf("distributions of job %s: %w", job, redisconn.Passing(err))
	}
	counts := make(spread.Counts, len(fields)/2)
	for name, text := range fields {
		if !strings.HasPrefix(name, exampleOf) {
			counts[name] = spread.Count{URLs: number(text), Example: fields[exampleOf+name]}
		}
	}
	return counts, nil
}
