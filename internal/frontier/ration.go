package frontier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file keeps a continuous job to its budget: a visit asks for a ration before it takes URLs.

const (
	rationBurst = time.Hour // a bucket holds at most what it gets in this time, or one URL
	// A visit that found its rations used up waits at least rationLeast, and at most rationMost,
	// because the rations may have grown by then.
	rationLeast = 2 * time.Second
	rationMost  = time.Hour
)

// ration is what a visit of a continuous job was granted and has not used. In other jobs it is
// always empty.
type ration struct {
	frontier    *Frontier
	base        string // of the shard
	host        crawler.Host
	low, others int
	read        bool // the promise was read
	promise     promise
}

// promise is what a host was promised when a visit there lined up for a ration. The zero value is
// no promise. It is kept with the host for the next visit.
type promise struct {
	which string // the ration: "low" or "others"
	since int64  // when it is the host's turn, in unix milliseconds
}

// fieldPromise is the field of a host that has its promise.
const fieldPromise = "promise"

// ask asks for up to n URLs of each ration, and gives back what is left of the last time.
func (r *ration) ask(ctx context.Context, n int) error {
	if err := r.remember(ctx); err != nil {
		return err
	}
	got, err := r.call(ctx, n-r.low, n-r.others, "")
	if err != nil {
		return err
	}
	r.low, r.others = max(0, r.low+int(got[0])), max(0, r.others+int(got[1]))
	if got[2] == 1 {
		r.promise = promise{}
		err = r.frontier.rdb.HDel(ctx, r.key(), fieldPromise).Err()
	}
	return wrapped("ration", r.base, err)
}

func (r *ration) key() string { return r.base + nameHost + string(r.host) }

// remember reads what the host was promised, once. What cannot be read is no promise.
func (r *ration) remember(ctx context.Context) error {
	if r.read {
		return nil
	}
	text, err := r.frontier.rdb.HGet(ctx, r.key(), fieldPromise).Result()
	if err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
		return wrapped("ration", r.base, err)
	}
	r.read = true
	if which, since, ok := strings.Cut(text, " "); ok && (which == "low" || which == "others") {
		r.promise = promise{which, number(since)}
	}
	return nil
}

// take records what was taken.
func (r *ration) take(taken []queue.Taken) {
	for _, t := range taken {
		if t.Entry.Band == queue.BandLow {
			r.low--
		} else {
			r.others--
		}
	}
}

// lineUp lines up for a ration that is used up, when the visit found only URLs of that ration. It
// returns a [queue.Rationed], which says for how long the visit leaves its host.
func (r *ration) lineUp(ctx context.Context, which string) error {
	got, err := r.call(ctx, -r.low, -r.others, which)
	if err != nil {
		return err
	}
	r.low, r.others = 0, 0
	if now := (promise{which, got[4]}); now != r.promise {
		err := r.frontier.rdb.HSet(ctx, r.key(), fieldPromise, fmt.Sprintf("%s %d", now.which, now.since)).Err()
		if err != nil {
			return wrapped("ration", r.base, err)
		}
		r.promise = now
	}
	wait := time.Duration(got[3]) * time.Millisecond
	return &queue.Rationed{Wait: max(rationLeast, min(rationMost, wait))}
}

// close gives back what is left.
func (r *ration) close(ctx context.Context) error {
	if r.low <= 0 && r.others <= 0 {
		return nil
	}
	_, err := r.call(ctx, -r.low, -r.others, "")
	r.low, r.others = 0, 0
	return err
}

// call runs ration.lua.
func (r *ration) call(ctx context.Context, low, others int, line string) ([]int64, error) {
	f := r.frontier
	again, fresh := f.course().rates()
	call := func() ([]int64, error) {
		return runKeys(ctx, f.rdb, rationScript(), nameRation, []string{jobBase(f.job.Name) + nameRation},
			strconv.FormatFloat(again, 'f', 3, 64), strconv.FormatFloat(fresh, 'f', 3, 64), rationBurst.Milliseconds(),
			low, others, line, r.promise.which, r.promise.since).Int64Slice()
	}
	got, err := call()
	if errors.Is(err, queue.ErrGarbage) || redisconn.IsWrongType(err) {
		if err = f.store.setAside(ctx, f.job.Name, nameRation); err == nil {
			got, err = call()
		}
	}
	if err == nil && len(got) != 5 {
		err = fmt.Errorf("frontier: ration of %s: unexpected answer %v", f.job.Name, got)
	}
	return got, err
}

// spentToday returns how many URLs the job was granted in the last day.
func (f *Frontier) spentToday(ctx context.Context, now time.Time) (sum int64, err error) {
	fields, err := f.rdb.HGetAll(ctx, jobBase(f.job.Name)+nameRation).Result()
	if err != nil {
		return 0, fmt.Errorf("frontier: ration of %s: %w", f.job.Name, err)
	}
	for name, value := range fields {
		if hour, ok := strings.CutPrefix(name, "hour:"); ok {
			if age := now.Unix()/3600 - number(hour); age >= 0 && age < 24 {
				sum += number(value)
			}
		}
	}
	return sum, nil
}
