package frontier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// fieldGivenUp is the field of a job's record with the number of the last host of each shard that
// an event has told of, separated by commas.
const fieldGivenUp = "givenup"

// TellGivenUp makes the event that hosts of a job were given up since the last such event. It names
// at most a hundred of them. It does nothing if no host was given up, if another process is making
// the same event, or if less than apart has passed since the last one. made is true if no host is
// left to tell of.
func (s *Store) TellGivenUp(ctx context.Context, job crawler.Job, apart time.Duration) (made bool, err error) {
	told, lists, err := s.readGivenUp(ctx, job)
	if err != nil {
		return false, fmt.Errorf("hosts of job %s that were given up: %w", job.Name, err)
	}
	var news event.GivenUp
	var now []string
	before := strings.Split(told, ",")
	for shard, list := range lists {
		last := int64(0)
		if shard < len(before) {
			last = number(before[shard])
		}
		newest, hosts := newlyGivenUp(list, last)
		news.Count += newest - min(last, newest)
		news.Hosts = append(news.Hosts, hosts...)
		now = append(now, strconv.FormatInt(newest, 10))
	}
	if news.Count == 0 {
		return true, nil
	}
	slices.SortFunc(news.Hosts, func(a, b event.LostHost) int { return cmp.Compare(a.Host, b.Host) })
	news.Hosts = news.Hosts[:min(len(news.Hosts), event.MostHosts)]
	text, err := json.Marshal(news)
	if err != nil {
		return false, err
	}
	n, err := runKeys(ctx, s.rdb, giveUpScript(), "giveup", eventKeys(job.Name), told, strings.Join(now, ","), text,
		apart.Milliseconds()).Int()
	return n == 1, err
}

// readGivenUp reads what the last event has told of, and the hosts of each shard that were given up
// last. A list that is of another type has no hosts.
func (s *Store) readGivenUp(ctx context.Context, job crawler.Job) (told string, lists [][]string, err error) {
	var field *redis.StringCmd
	var got []*redis.StringSliceCmd
	_, _ = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has its own error
		field = p.HGet(ctx, jobBase(job.Name)+nameJob, fieldGivenUp)
		for shard := range job.Shards {
			got = append(got, p.LRange(ctx, shardBase(job.Name, shard)+nameGivenUp, 0, -1))
		}
		return nil
	})
	told, err = field.Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	for _, list := range got {
		hosts, broken := list.Result()
		if broken != nil && !redisconn.IsWrongType(broken) {
			err = cmp.Or(err, broken)
		}
		lists = append(lists, hosts)
	}
	return told, lists, err
}

// newlyGivenUp returns the hosts that were given up after the one with the number told, and the
// newest number. The numbers start over if the counters of the job were lost.
func newlyGivenUp(list []string, told int64) (newest int64, hosts []event.LostHost) {
	for _, text := range list { // the newest first
		n, rest, _ := strings.Cut(text, " ")
		host, reason, _ := strings.Cut(rest, " ")
		at := number(n)
		if at <= 0 || host == "" {
			continue // garbage
		}
		if newest == 0 {
			newest = at
			if newest < told {
				told = 0
			}
		}
		if at <= told {
			break
		}
		hosts = append(hosts, event.LostHost{Host: crawler.Host(host), Reason: reason})
	}
	if newest == 0 {
		newest = told
	}
	return newest, hosts
}
