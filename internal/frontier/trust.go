package frontier

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Trust checks at start whether Redis is fit for a crawl; in a Cluster, each master. An
// error is a reason not to begin, because the crawl would lose URLs or not work. It is one
// line that says where, what is wrong and what to do.
func (s *Store) Trust(ctx context.Context) ([]redisconn.Warning, error) {
	var mu sync.Mutex
	var all []redisconn.Warning
	err := s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, cluster bool) error {
		found, err := redisconn.Examine(ctx, node, cluster)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return err
	})
	slices.Sort(all)
	return all, err
}

// eachMaster calls do for all masters of a Cluster concurrently, or for the one server. It
// returns the first error.
func (s *Store) eachMaster(ctx context.Context, do func(ctx context.Context, node *redis.Client,
	cluster bool) error) error {
	switch rdb := s.rdb.(type) {
	case *redis.ClusterClient:
		return rdb.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return do(ctx, node, true)
		})
	case *redis.Client:
		return do(ctx, rdb, false)
	default:
		return fmt.Errorf("redis client %T: neither of one server, nor of Sentinels, nor of a Cluster", rdb)
	}
}

// probeTerm is how long the key written by [Store.Probe] is kept.
const probeTerm = time.Minute

// Probe checks that Redis can be read and written now. The error is one line that says what
// is wrong and what to do. It contains no address and no password.
func (s *Store) Probe(ctx context.Context) error {
	if _, err := s.Jobs(ctx); err != nil {
		return redisconn.Distress(err)
	}
	if err := s.rdb.Set(ctx, keyProbe, "1", probeTerm).Err(); err != nil {
		return redisconn.Distress(err)
	}
	return s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, cluster bool) error {
		if !cluster {
			return nil // writing the probe tested it
		}
		return redisconn.Full(ctx, node)
	})
}
