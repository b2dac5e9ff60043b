package frontier

import (
	"context"
	"strconv"
)

// restore brings spilled buckets that may have some URLs back into Redis. groupOf has the groups of
// the URLs, by member of seen. If several buckets have the same block, it brings back one of them.
func (f *Frontier) restore(ctx context.Context, shard int, doubts []doubt, groupOf map[string]int) error {
	base := f.base(shard)
	blocks, err := f.seenBlocks(ctx, base, doubts)
	if err != nil {
		return err
	}
	for _, d := range doubts {
		block, left := blocks[d.block]
		if !left {
			continue
		}
		delete(blocks, d.block)
		args := []any{groupOf[d.member], d.member, d.block}
		for _, fp := range block.all() {
			args = append(args, strconv.FormatInt(fp, 10))
		}
		if err := run(ctx, f.rdb, restoreScript(), "restore", base, args...).Err(); err != nil {
			return err
		}
	}
	return nil
}
