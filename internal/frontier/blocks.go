package frontier

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file looks for pages of a continuous job in their blocks.

// eachBlock calls do with each block of a host, as long as it wants more. Blocks that cannot be
// read are left out: Again reports them.
func (f *Frontier) eachBlock(ctx context.Context, host crawler.Host, do func(b *block) (more bool, err error)) error {
	base := f.baseOf(host)
	last, err := f.rdb.HGet(ctx, base+nameHost+string(host), "block").Int()
	if err != nil && !errors.Is(err, redis.Nil) {
		return wrapped("blocks", base, err)
	}
	for number := 0; number <= last; number++ {
		b := block{number: number, host: host}
		if err := f.readBlock(ctx, base, &b); err != nil {
			return err
		}
		if b.decode() != nil || len(b.names) != b.pages() {
			continue
		}
		if more, err := do(&b); err != nil || !more {
			return err
		}
	}
	return nil
}

// attach notes in entries that are queued by hand which tracked pages they are, so that no page is
// tracked twice.
func (f *Frontier) attach(ctx context.Context, entries []queue.Entry) error {
	byHost := make(map[crawler.Host]map[string][]int)
	for i, e := range entries {
		if e.Page.Known() {
			continue
		}
		if byHost[e.URL.Host()] == nil {
			byHost[e.URL.Host()] = make(map[string][]int)
		}
		key := f.identity.Key(e.URL)
		byHost[e.URL.Host()][key] = append(byHost[e.URL.Host()][key], i)
	}
	for host, wanted := range byHost {
		err := f.eachBlock(ctx, host, func(b *block) (more bool, err error) {
			for at := range b.names {
				e, err := b.entry(at)
				if err != nil {
					continue
				}
				for _, i := range wanted[f.identity.Key(e.URL)] {
					entries[i].Page, _, _ = b.slot(at) // its size fits
				}
				delete(wanted, f.identity.Key(e.URL))
			}
			return len(wanted) > 0, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// EachTracked calls do with the entry of each page that a continuous job fetches again, until do
// returns an error. Names that cannot be read are left out.
func (f *Frontier) EachTracked(ctx context.Context, do func(queue.Entry) error) error {
	for shard := range f.job.Shards {
		base := f.base(shard)
		for at := int64(0); ; at += findBatch {
			members, err := f.rdb.ZRange(ctx, base+nameReturns, at, at+findBatch-1).Result()
			if err != nil {
				return wrapped("tracked", base, err)
			}
			for _, member := range members {
				b, ok := blockNamed(member)
				if !ok {
					continue
				}
				if err := f.readBlock(ctx, base, &b); err != nil {
					return err
				}
				if err := b.eachEntry(do); err != nil {
					return err
				}
			}
			if len(members) < findBatch {
				break
			}
		}
	}
	return nil
}

// readBlock reads the names and the slots of a block; none, if they are of the wrong type.
func (f *Frontier) readBlock(ctx context.Context, base string, b *block) error {
	got, err := f.rdb.MGet(ctx, base+b.key(namePaths), base+b.key(nameStates)).Result()
	if err != nil {
		return wrapped("blocks", base, err)
	}
	b.packed, _ = got[0].(string)
	b.slots, _ = got[1].(string)
	return nil
}

// eachEntry calls do with the entry of each page of the block, with the page.
func (b *block) eachEntry(do func(queue.Entry) error) error {
	if b.decode() != nil || len(b.names) != b.pages() {
		return nil
	}
	for at := range b.names {
		e, err := b.entry(at)
		if err != nil {
			continue
		}
		e.Page, _, _ = b.slot(at) // its size fits
		if err := do(e); err != nil {
			return err
		}
	}
	return nil
}
