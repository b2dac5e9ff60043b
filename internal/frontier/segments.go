package frontier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// This file tracks the output segments that are only on a worker's disk. Settling stores
// the URLs of each, so that they can be fetched again if that worker does not come back.

// reclaimBatch is how many URLs one call puts back.
const reclaimBatch = 500

// Shipped records that the records of a segment have reached their destination, so its URLs
// are settled for good. It returns the number of these URLs. It may be called again.
func (f *Frontier) Shipped(ctx context.Context, segment string) (urls int64, err error) {
	for shard := range f.job.Shards {
		n, err := run(ctx, f.rdb, shippedScript(), "shipped", f.base(shard), segment).Int64()
		if err != nil {
			return urls, err
		}
		urls += n
	}
	return urls, nil
}

// Prolong records that the worker that has these segments is alive. Call it again well
// before the job's LostAfter is over.
func (f *Frontier) Prolong(ctx context.Context, segments []string) error {
	args := make([]any, 0, len(segments)+1)
	args = append(args, f.job.LostAfter.Milliseconds())
	for _, s := range segments {
		args = append(args, s)
	}
	for shard := range f.job.Shards {
		if err := run(ctx, f.rdb, prolongScript(), "prolong", f.base(shard), args...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// Segment is a part of the output that is not shipped yet.
type Segment struct {
	Name string
	URLs int64         // how many are settled in it
	Left time.Duration // until its worker counts as lost; negative if it does already
}

// Segments lists the segments that are not shipped yet, by name.
func (f *Frontier) Segments(ctx context.Context) ([]Segment, error) {
	found := make(map[string]Segment)
	for shard := range f.job.Shards {
		got, err := run(ctx, f.rdb, segmentsScript(), "segments", f.base(shard)).Slice()
		if err != nil {
			return nil, err
		}
		for i := 0; i+2 < len(got); i += 3 {
			name, left := got[i].(string), time.Duration(got[i+1].(int64))*time.Millisecond
			s, known := found[name]
			if !known || left > s.Left {
				s.Left = left
			}
			s.Name, s.URLs = name, s.URLs+got[i+2].(int64)
			found[name] = s
		}
	}
	all := make([]Segment, 0, len(found))
	for _, s := range found {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Segment) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Forfeit makes the worker of these segments count as lost now, and puts the URLs that it
// had not shipped back into their queues. Call it only if that worker will not come back.
func (f *Frontier) Forfeit(ctx context.Context, segments []string) (urls int64, err error) {
	args := make([]any, len(segments))
	for i, s := range segments {
		args[i] = s
	}
	for shard := range f.job.Shards {
		if err := run(ctx, f.rdb, forfeitScript(), "forfeit", f.base(shard), args...).Err(); err != nil {
			return 0, err
		}
	}
	return f.Reclaim(ctx)
}

// Reclaim puts the URLs of segments whose workers were not heard of in time back into their
// queues, and returns how many URLs that are. Its work is bounded: the next call finds the
// rest.
func (f *Frontier) Reclaim(ctx context.Context) (urls int64, err error) {
	for shard := range f.job.Shards {
		for range sweepBatches {
			n, more, err := f.reclaimBatch(ctx, shard)
			urls += n
			if err != nil {
				return urls, err
			}
			if !more {
				break
			}
		}
	}
	return urls, nil
}

// reclaimBatch puts back some URLs of one segment of a shard. more says that there may be
// others.
func (f *Frontier) reclaimBatch(ctx context.Context, shard int) (urls int64, more bool, err error) {
	hold := time.Duration(0)
	if f.job.Pages > 0 {
		hold = reprieve
	}
	got, err := run(ctx, f.rdb, reclaimScript(), "reclaim", f.base(shard), reclaimBatch, hold.Milliseconds()).Slice()
	if err != nil || len(got) == 0 {
		return 0, false, err
	}
	if len(got) != 5 {
		return 0, false, fmt.Errorf("frontier: reclaim on %s: unexpected answer %v", f.base(shard), got)
	}
	segment, urls, left := got[0].(string), got[1].(int64), got[2].(int64)
	number, pages := got[3].(int64), got[4].(int64)
	if number > 0 {
		err = f.refund(ctx, shard, segment, number, pages, left == 0)
	}
	return urls, true, err
}

// refund returns the pages of a lost segment to the job's budget. The segment is forgotten
// only afterwards: if the process dies in between, the next one repeats the refund, which
// has no further effect.
func (f *Frontier) refund(ctx context.Context, shard int, segment string, number, pages int64, over bool) error {
	ledger := jobBase(f.job.Name) + nameLedger
	which := strconv.Itoa(shard) + "/" + strconv.FormatInt(number, 10)
	err := runKeys(ctx, f.rdb, refundScript(), "refund", []string{ledger}, which, pages).Err()
	if err != nil || !over {
		return err
	}
	return run(ctx, f.rdb, dropScript(), "drop", f.base(shard), segment).Err()
}
