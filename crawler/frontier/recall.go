package frontier

import "context"

// Recall tells so many open visits to give their hosts back soon, because another job,
// or hosts with urgent URLs, should have their places. Those that were told before, and
// are still open, are among them: to call it again tells no more.
func (f *Frontier) Recall(ctx context.Context, visits int) error {
	for shard := 0; shard < f.job.Shards && visits > 0; shard++ {
		told, err := run(ctx, f.rdb, recallScript, "recall", f.base(shard), visits).Int()
		if err != nil {
			return err
		}
		visits -= told
	}
	return nil
}
