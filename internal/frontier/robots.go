package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// RobotsCache caches robots.txt files for the fleet, one for each origin. All jobs share
// it. It is safe for concurrent use.
type RobotsCache struct {
	rdb  redis.UniversalClient
	gets *gatherer[*robotsGet]
}

// robotsGet is a file to be read, with the answer of Redis.
type robotsGet struct {
	origin string
	value  []byte
	found  bool
	err    error
}

// RobotsCache returns the fleet's cache.
func (s *Store) RobotsCache() *RobotsCache {
	c := &RobotsCache{rdb: s.rdb}
	pace := s.pace()
	if _, cluster := s.rdb.(*redis.ClusterClient); cluster {
		pace = 0 // files are on different nodes
	}
	c.gets = newGatherer(pace, c.getAll)
	return c
}

// Get returns the cached value of an origin such as "https://example.com".
func (c *RobotsCache) Get(ctx context.Context, origin string) (value []byte, found bool, err error) {
	get := &robotsGet{origin: origin}
	if err := c.gets.do(ctx, get); err != nil {
		return nil, false, fmt.Errorf("robots cache: %s: %w", origin, err)
	}
	return get.value, get.found, get.err
}

// getAll reads files. A key of the wrong type has none: Put replaces it.
func (c *RobotsCache) getAll(ctx context.Context, all []*robotsGet) {
	keys := make([]string, len(all))
	for i, get := range all {
		keys[i] = keyRobots + get.origin
	}
	values, err := c.rdb.MGet(ctx, keys...).Result()
	for i, get := range all {
		if err != nil {
			get.err = fmt.Errorf("robots cache: %s: %w", get.origin, redisconn.Passing(err))
			continue
		}
		var text string
		if text, get.found = values[i].(string); get.found {
			get.value = []byte(text)
		}
	}
}

// Put caches a value for an origin, for the duration ttl.
func (c *RobotsCache) Put(ctx context.Context, origin string, value []byte, ttl time.Duration) error {
	if err := c.rdb.Set(ctx, keyRobots+origin, value, ttl).Err(); err != nil {
		return fmt.Errorf("robots cache: %s: %w", origin, redisconn.Passing(err))
	}
	return nil
}
