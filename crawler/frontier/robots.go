package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// RobotsCache is the fleet's memory of robots.txt files, one for each origin,
// shared by all jobs. It is safe for concurrent use.
type RobotsCache struct{ rdb redis.UniversalClient }

// RobotsCache returns the fleet's cache.
func (s *Store) RobotsCache() *RobotsCache { return &RobotsCache{s.rdb} }

// Get returns what is cached for an origin such as "https://example.com".
func (c *RobotsCache) Get(ctx context.Context, origin string) (value []byte, found bool, err error) {
	value, err = c.rdb.Get(ctx, keyRobots+origin).Bytes()
	if errors.Is(err, redis.Nil) || isWrongType(err) { // Put replaces a key of any type
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("robots cache: %s: %w", origin, passing(err))
	}
	return value, true, nil
}

// Put caches a value for an origin for the time ttl.
func (c *RobotsCache) Put(ctx context.Context, origin string, value []byte, ttl time.Duration) error {
	if err := c.rdb.Set(ctx, keyRobots+origin, value, ttl).Err(); err != nil {
		return fmt.Errorf("robots cache: %s: %w", origin, passing(err))
	}
	return nil
}
