package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Prefixes of the members of a job's set "opened".
const (
	openedHost    = "host "
	openedNetwork = "network "
	openedPrivate = "private"
)

// SetOrigin replaces the origin of a job.
func (s *Store) SetOrigin(ctx context.Context, job string, o queue.Origin) error {
	return s.note(ctx, job, "opens", flag(o.Opens), "owner", o.Owner)
}

// OpenHosts adds hosts and networks that connections of one job may go to. It may be called
// before the job is created, so that no worker sees the job without them.
func (s *Store) OpenHosts(ctx context.Context, job string, o queue.Opened) error {
	var members []any
	for _, h := range o.Hosts {
		members = append(members, openedHost+string(h))
	}
	for _, n := range o.Networks {
		members = append(members, openedNetwork+n.String())
	}
	if o.Private {
		members = append(members, openedPrivate)
	}
	for batch := range slices.Chunk(members, admitBatch) {
		if err := s.rdb.SAdd(ctx, jobBase(job)+nameOpened, batch...).Err(); err != nil {
			return fmt.Errorf("open hosts for job %s: %w", job, err)
		}
	}
	return nil
}

// Opened returns what is open to the connections of a job.
func (s *Store) Opened(ctx context.Context, job string) (queue.Opened, error) {
	members, err := s.rdb.SMembers(ctx, jobBase(job)+nameOpened).Result()
	if err != nil {
		return queue.Opened{}, fmt.Errorf("what is opened for job %s: %w", job, err)
	}
	var o queue.Opened
	for _, m := range members {
		if h, ok := strings.CutPrefix(m, openedHost); ok {
			o.Hosts = append(o.Hosts, crawler.Host(h))
		} else if text, ok := strings.CutPrefix(m, openedNetwork); ok {
			if n, err := netip.ParsePrefix(text); err == nil { // an invalid one opens nothing
				o.Networks = append(o.Networks, n)
			}
		} else if m == openedPrivate {
			o.Private = true
		}
	}
	return o, nil
}

// OpenPorts adds ports that connections of one job may go to; "" stands for the default
// ports of the schemes. It may be called before the job is created, so that no worker sees
// the job without them.
func (s *Store) OpenPorts(ctx context.Context, job string, ports []string) error {
	if len(ports) == 0 {
		return nil
	}
	members := make([]any, len(ports))
	for i, p := range ports {
		members[i] = p
	}
	if err := s.rdb.SAdd(ctx, jobBase(job)+namePorts, members...).Err(); err != nil {
		return fmt.Errorf("open ports for job %s: %w", job, err)
	}
	return nil
}

// OpenedPorts returns the ports that were opened for a job.
func (s *Store) OpenedPorts(ctx context.Context, job string) ([]string, error) {
	ports, err := s.rdb.SMembers(ctx, jobBase(job)+namePorts).Result()
	if err != nil {
		return nil, fmt.Errorf("ports that are opened for job %s: %w", job, err)
	}
	return ports, nil
}

// IsOpened reports whether a host was opened for a job.
func (s *Store) IsOpened(ctx context.Context, job string, h crawler.Host) (bool, error) {
	is, err := s.rdb.SIsMember(ctx, jobBase(job)+nameOpened, openedHost+string(h)).Result()
	if err != nil {
		return false, fmt.Errorf("what is opened for job %s: %w", job, err)
	}
	return is, nil
}

// Fields of a job's hash "places".
const (
	placeWhere = "where " // followed by the worker's name: its place, as JSON
	placePages = "pages " // followed by the worker's name: how many pages it fetched
)

// Keep records where a worker keeps the pages of a job, and adds p.Pages to the number that
// it fetched.
func (s *Store) Keep(ctx context.Context, job string, p queue.Kept) error {
	more := p.Pages
	p.Pages = 0
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("place of job %s: %w", job, err)
	}
	key := jobBase(job) + namePlaces
	_, err = s.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.HSet(ctx, key, placeWhere+p.Worker, text)
		pipe.HIncrBy(ctx, key, placePages+p.Worker, more)
		return nil
	})
	if err != nil {
		return fmt.Errorf("place of job %s: %w", job, err)
	}
	return nil
}

// Places lists where workers keep the pages of a job, sorted by worker. Pages are counted
// only for jobs whose origin opens hosts.
func (s *Store) Places(ctx context.Context, job string) ([]queue.Kept, error) {
	fields, err := s.rdb.HGetAll(ctx, jobBase(job)+namePlaces).Result()
	if err != nil {
		return nil, fmt.Errorf("places of job %s: %w", job, err)
	}
	var all []queue.Kept
	for name, text := range fields {
		worker, ok := strings.CutPrefix(name, placeWhere)
		var p queue.Kept
		if !ok || json.Unmarshal([]byte(text), &p) != nil {
			continue
		}
		p.Worker = worker
		_, _ = fmt.Sscan(fields[placePages+worker], &p.Pages)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b queue.Kept) int { return strings.Compare(a.Worker, b.Worker) })
	return all, nil
}
