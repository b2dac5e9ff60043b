package frontier

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Members lists the live processes of the fleet with their last reports, sorted by kind and
// name.
func (s *Store) Members(ctx context.Context) ([]waiting.Member, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", redisconn.Passing(err))
	}
	listed, err := s.rdb.ZRangeByScoreWithScores(ctx, keyProcesses,
		&redis.ZRangeBy{Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf"}).Result()
	if err != nil && !redisconn.IsWrongType(err) {
		return nil, fmt.Errorf("list processes: %w", redisconn.Passing(err))
	}
	loads, err := s.Workers(ctx)
	if err != nil {
		return nil, err
	}
	var all []waiting.Member
	for _, z := range listed {
		m := waiting.Member{Seen: time.UnixMilli(int64(z.Score)).Add(-ProcessTerm)}
		if m.Seen.After(now) { // nothing happens, so it shows signs of life less often than others
			m.Seen = now
		}
		text, _ := z.Member.(string)
		if json.Unmarshal([]byte(text), &m.Process) != nil {
			continue // of an incompatible version
		}
		if m.Kind == waiting.KindWorker {
			loads = takeLoad(&m, loads)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b waiting.Member) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// of reports whether the load is that of a process. A report names the worker, a number sign
// and a random suffix.
func (l WorkerLoad) of(p waiting.Process) bool {
	i := strings.LastIndexByte(l.Worker, '#')
	return p.Kind == waiting.KindWorker && i >= 0 && l.Worker[:i] == p.Name
}

// takeLoad adds to a worker its load, if it reported one, and returns the other loads.
func takeLoad(m *waiting.Member, loads []WorkerLoad) []WorkerLoad {
	at := slices.IndexFunc(loads, func(l WorkerLoad) bool { return l.of(m.Process) })
	if at < 0 {
		return loads
	}
	l := loads[at]
	m.Places, m.Taken, m.Spent, m.Within = l.Places, l.Taken, l.Spent, l.Within
	m.Memory, m.PagesPerSecond = l.Memory, l.Rate
	m.Serving = slices.DeleteFunc(slices.Clone(l.Jobs), func(job string) bool { return job == AnyJob })
	slices.Sort(m.Serving)
	return slices.Delete(loads, at, at+1)
}

// Vitals returns what the fleet's Redis reports about itself; of a Cluster, all masters
// together.
func (s *Store) Vitals(ctx context.Context) (redisconn.Vitals, error) {
	var mu sync.Mutex
	var all redisconn.Vitals
	err := s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, _ bool) error {
		v, err := redisconn.VitalsOf(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		all = all.Plus(v)
		return err
	})
	return all, err
}
