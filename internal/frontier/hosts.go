package frontier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/latency"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Host returns what is known of a host. The error wraps [queue.ErrNoHost] if the job has
// not met it.
func (f *Frontier) Host(ctx context.Context, h crawler.Host) (crawler.HostStatus, error) {
	status, _, err := f.hostWithRules(ctx, h)
	return status, err
}

// hostWithRules returns what is known of a host, and its rules as they are stored.
func (f *Frontier) hostWithRules(ctx context.Context, h crawler.Host) (_ crawler.HostStatus, packed string, _ error) {
	got, err := run(ctx, f.rdb, hostScript(), "host", f.baseOf(h), string(h)).Slice()
	if err != nil {
		return crawler.HostStatus{}, "", err
	}
	if len(got) == 0 {
		return crawler.HostStatus{}, "", noHost(f.job.Name, h)
	}
	if len(got) != 13 {
		return crawler.HostStatus{}, "", fmt.Errorf("frontier: host %s: unexpected answer %v", h, got)
	}
	packed = got[2].(string)
	rules, err := queue.UnpackHostRules(packed)
	if err != nil {
		f.reports.add(f.job.Name, fmt.Sprintf("the rules of host %s cannot be read: %q", h, packed))
	}
	state := crawler.HostState(got[0].(string))
	switch state {
	case "":
		state = queue.HostIdle
	case "broken":
		state = queue.HostOpen // until release.lua makes it due
	}
	times := latency.Unpack(got[12].(string))
	strikes, givenUp := queue.HostHealth{ConsecutiveFailures: int(got[5].(int64))}.Shown()
	return crawler.HostStatus{
		Host: h, State: state, Worker: got[1].(string), Rules: rules,
		Pages: got[3].(int64), Seen: got[4].(int64), ConsecutiveFailures: strikes, GivenUp: givenUp,
		Trouble:  got[6].(string),
		Interval: time.Duration(got[7].(int64)) * time.Millisecond,
		Due:      time.Duration(max(0, got[8].(int64))) * time.Millisecond,
		Waiting:  got[9].(int64), Flight: got[10].(int64),
		P50: times.Quantile(0.5), P95: times.Quantile(0.95),
		Traps: queue.HostHealth{Traps: got[11].(string)}.TrapPatterns(),
	}, packed, nil
}

func noHost(job string, h crawler.Host) error {
	return fmt.Errorf("job %s, host %q: %w", job, h, queue.ErrNoHost)
}

// Hosts lists at most limit hosts: first those being visited, then those whose visit is
// enqueued, then those that are due, soonest first. Hosts without waiting URLs are not
// included.
func (f *Frontier) Hosts(ctx context.Context, limit int) ([]crawler.HostStatus, error) {
	var all []crawler.HostStatus
	for _, name := range []string{nameOpen, nameArmed, nameDue} {
		for shard := range f.job.Shards {
			if len(all) >= limit {
				return all, nil
			}
			hosts, err := f.rdb.ZRange(ctx, f.base(shard)+name, 0, int64(limit-len(all)-1)).Result()
			if err != nil {
				return nil, fmt.Errorf("frontier: hosts of %s: %w", f.job.Name, err)
			}
			found, err := f.hostsNamed(ctx, hosts)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// hostReaders is how many hosts are read at once. One after another, a thousand would take as many
// round trips.
const hostReaders = 16

// hostsNamed returns what is known of hosts, in their order, without those whose records were lost.
func (f *Frontier) hostsNamed(ctx context.Context, names []string) ([]crawler.HostStatus, error) {
	found := make([]crawler.HostStatus, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(hostReaders)
	for i, name := range names {
		group.Go(func() (err error) {
			found[i], err = f.Host(ctx, crawler.Host(name))
			if errors.Is(err, queue.ErrNoHost) {
				return nil
			}
			return err
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(found, func(h crawler.HostStatus) bool { return h.Host == "" }), err
}

// Govern changes an operator's rules for a host. change gets the rules in force, and is called
// again if someone else has changed them meanwhile, so that no change is lost. If it returns an
// error, nothing is changed, and Govern returns that error. If forgive is set, Govern also forgets
// that the host refused requests or was not reached. Visits in progress apply the rules within
// seconds. The error wraps [queue.ErrNoHost] if the job has not met the host.
func (f *Frontier) Govern(ctx context.Context, h crawler.Host, change func(*crawler.HostRules) error,
	forgive bool) error {
	flag := 0
	if forgive {
		flag = 1
	}
	defer f.store.Tell(ctx, f.job.Name)
	for {
		status, was, err := f.hostWithRules(ctx, h)
		if err != nil {
			return err
		}
		if err := change(&status.Rules); err != nil {
			return err
		}
		done, err := run(ctx, f.rdb, governScript(), "govern", f.baseOf(h), string(h), queue.PackHostRules(status.Rules),
			flag, was).Int()
		switch {
		case err != nil:
			return err
		case done == 0:
			return noHost(f.job.Name, h)
		case done > 0:
			return nil
		}
	}
}

// Failures lists URLs that failed for good, with the reasons, newest first: one for each
// visit, and at most fifty for each shard.
func (f *Frontier) Failures(ctx context.Context) ([]string, error) {
	var all []string
	for shard := range f.job.Shards {
		some, err := f.rdb.LRange(ctx, f.base(shard)+nameFailures, 0, -1).Result()
		if err != nil && !redisconn.IsWrongType(err) { // the next visit that fails sets it aside
			return nil, fmt.Errorf("frontier: failures of %s: %w", f.job.Name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
