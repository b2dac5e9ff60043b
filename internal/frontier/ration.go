package frontier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file keeps a continuous job to its budget: a visit asks for a ration before it takes URLs.

const (
	rationBurst = time.Hour // a bucket holds at most what it gets in this time, or one URL
	// rationLeast is how long a visit that found its rations used up waits at least, and
	// rationMost at most: what it is granted then may be more than now.
	rationLeast = 2 * time.Second
	rationMost  = time.Hour
)

// ration is what a visit of a continuous job has been granted and did not use. In other jobs it
// is always empty.
type ration struct {
	frontier    *Frontier
	low, others int
}

// ask asks for up to n URLs of each ration, and gives back what is left of the last time.
func (r *ration) ask(ctx context.Context, n int) error {
	got, err := r.call(ctx, n-r.low, n-r.others, "")
	if err != nil {
		return err
	}
	r.low, r.others = max(0, r.low+int(got[0])), max(0, r.others+int(got[1]))
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

// lineUp returns for how long a visit that found only URLs of a ration that is used up leaves its
// host, as a [queue.Rationed].
func (r *ration) lineUp(ctx context.Context, which string) error {
	got, err := r.call(ctx, -r.low, -r.others, which)
	if err != nil {
		return err
	}
	r.low, r.others = 0, 0
	wait := time.Duration(got[2]) * time.Millisecond
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

func (r *ration) call(ctx context.Context, low, others int, line string) ([]int64, error) {
	f := r.frontier
	again, fresh := f.course().rates()
	call := func() ([]int64, error) {
		return runKeys(ctx, f.rdb, rationScript(), nameRation, []string{jobBase(f.job.Name) + nameRation},
			strconv.FormatFloat(again, 'f', 3, 64), strconv.FormatFloat(fresh, 'f', 3, 64), rationBurst.Milliseconds(),
			low, others, line).Int64Slice()
	}
	got, err := call()
	if errors.Is(err, queue.ErrGarbage) || redisconn.IsWrongType(err) {
		if err = f.store.setAside(ctx, f.job.Name, nameRation); err == nil {
			got, err = call()
		}
	}
	if err == nil && len(got) != 3 {
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
