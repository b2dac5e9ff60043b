package frontier

import (
	"context"
	"encoding/binary"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/need"
)

// maxLessons is how many patterns of a host are remembered, besides what the host as a whole has
// taught. Every version of Redis packs a hash of up to 128 entries tightly: a pattern takes about
// 10 bytes.
const maxLessons = 120

// Learn implements [visit.Frontier].
func (f *Frontier) Learn(ctx context.Context, h crawler.Host, page *need.Taught) (map[need.Key]need.Lesson, error) {
	args := []any{string(h), maxLessons}
	if page != nil {
		gained := 0
		if page.Gained {
			gained = 1
		}
		args = append(args, gained, packKey(page.Pattern), packKey(page.Host))
	}
	flat, err := run(ctx, f.rdb, learnScript(), "learn", shardBase(f.job.Name, shardOf(h, f.job.Shards)),
		args...).StringSlice()
	if err != nil {
		return nil, err
	}
	known := make(map[need.Key]need.Lesson, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		if key, lesson := flat[i], flat[i+1]; len(key) == 4 && len(lesson) == 2 { // others are garbage
			known[need.Key(binary.BigEndian.Uint32([]byte(key)))] = need.Lesson{Gained: lesson[0], Plain: lesson[1]}
		}
	}
	return known, nil
}

func packKey(k need.Key) string { return string(binary.BigEndian.AppendUint32(nil, uint32(k))) }
