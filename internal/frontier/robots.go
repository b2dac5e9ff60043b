package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// RobotsCache caches robots.txt files for the fleet, one for each origin. All jobs share
// it. It is safe for concurrent use.
type RobotsCache struct{ rdb redis.UniversalClient }

// RobotsCache returns the fleet's cache.
func (s *Store) RobotsCache() *RobotsCache { return &RobotsCache{s.rdb} }

// Get returns the cached value of an origin such as "https://example.com".
func (c *RobotsCache) Get(ctx context.Context, origin string) (value []byte, found bool, err error) {
	value, err = c.rdb.Get(ctx, keyRobots+origin).Bytes()
	if errors.Is(err, redis.Nil) || redisconn.IsWrongType(err) { // Put replaces a key of any type
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("robots cache: %s: %w", origin, redisconn.Passing(err))
	}
	return value, true, nil
}

// Put caches a value for an origin, for the duration ttl.
func (c *RobotsCache) Put(ctx context.Context, origin string, value []byte, ttl time.Duration) error {
	if err := c.rdb.Set(ctx, keyRobots+origin, value, ttl).Err(); err != nil {
		return fmt.Errorf("robots cache: %s: %w", origin, redisconn.Passing(err))
	}
	return nil
}
