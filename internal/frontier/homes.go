package frontier

import (
	"context"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// AddHomes adds hosts to the scope of a job, as if they were hosts of seeds.
func (s *Store) AddHomes(ctx context.Context, name string, hosts []crawler.Host) error {
	members := make([]any, len(hosts))
	for i, h := range hosts {
		members[i] = string(h)
	}
	if err := s.rdb.SAdd(ctx, jobBase(name)+nameHomes, members...).Err(); err != nil {
		return fmt.Errorf("homes of job %s: %w", name, err)
	}
	return nil
}

// AddHomes implements [visit.Frontier].
func (f *Frontier) AddHomes(ctx context.Context, hosts []crawler.Host) error {
	return f.store.AddHomes(ctx, f.job.Name, hosts)
}

// Homes returns the hosts that AddHomes added.
func (s *Store) Homes(ctx context.Context, name string) ([]crawler.Host, error) {
	members, err := s.rdb.SMembers(ctx, jobBase(name)+nameHomes).Result()
	if err != nil {
		return nil, fmt.Errorf("homes of job %s: %w", name, err)
	}
	hosts := make([]crawler.Host, len(members))
	for i, m := range members {
		hosts[i] = crawler.Host(m)
	}
	return hosts, nil
}

// IsHome reports whether AddHomes added the host.
func (s *Store) IsHome(ctx context.Context, name string, h crawler.Host) (bool, error) {
	is, err := s.rdb.SIsMember(ctx, jobBase(name)+nameHomes, string(h)).Result()
	if err != nil {
		return false, fmt.Errorf("homes of job %s: %w", name, err)
	}
	return is, nil
}

// CountHomes returns how many hosts AddHomes added.
func (s *Store) CountHomes(ctx context.Context, name string) (int64, error) {
	n, err := s.rdb.SCard(ctx, jobBase(name)+nameHomes).Result()
	if err != nil {
		return 0, fmt.Errorf("homes of job %s: %w", name, err)
	}
	return n, nil
}
