package frontier

import "context"

// Recall tells the given number of open visits to give their hosts back soon, because
// another job, or hosts with urgent URLs, should have their places. Open visits that were
// told before are included in the number, so repeating a call recalls no more visits.
func (f *Frontier) Recall(ctx context.Context, visits int) error {
	for shard := 0; shard < f.job.Shards && visits > 0; shard++ {
		told, err := run(ctx, f.rdb, recallScript(), "recall", f.base(shard), visits).Int()
		if err != nil {
			return err
		}
		visits -= told
	}
	return nil
}
