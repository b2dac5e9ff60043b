package redisd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// crawled fills a built-in Redis with what a crawl of so many URLs at a thousand hosts leaves.
func crawled(b *testing.B, redis *Builtin, urls int) {
	b.Helper()
	const hosts, batch = 1000, 100
	commands := make([][]string, 0, batch)
	for i := 0; i < urls; i += batch {
		members := []string{"SADD", "trawl:{job}:seen"}
		entries := []string{"RPUSH", fmt.Sprint("trawl:{job}:queue:", i/batch%hosts)}
		for j := range batch {
			members = append(members, fmt.Sprint(int64(i+j)*0x5851f42d4c957f2d))
			entries = append(entries, fmt.Sprintf("2|0||/some/path/of/a/page/%d.html", i+j))
		}
		commands = append(commands[:0], members)
		if i%(5*batch) == 0 { // a fifth waits
			commands = append(commands, entries)
		}
		redis.repeat(time.Now(), commands)
	}
}

// BenchmarkSnapshot measures for how long commands wait while a snapshot is written, and how
// long it takes to read it.
func BenchmarkSnapshot(b *testing.B) {
	for _, urls := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(urls, " URLs"), func(b *testing.B) {
			redis, err := newBuiltin(nil)
			if err != nil {
				b.Fatal(err)
			}
			defer redis.redis.Close()
			crawled(b, redis, urls)
			dir := b.TempDir()
			log := filepath.Join(dir, logName)
			write := func() (size int64) {
				f, err := os.Create(log)
				if err != nil {
					b.Fatal(err)
				}
				defer f.Close()
				_, err = io.WriteString(f, logHeader)
				if err == nil {
					err = redis.snapshot(time.Now(),
						func(sealed []byte) error { _, err := f.Write(sealed); return err })
				}
				if err != nil {
					b.Fatal(err)
				}
				stat, _ := f.Stat()
				return stat.Size()
			}
			b.Run("write", func(b *testing.B) {
				var size int64
				for b.Loop() {
					size = write()
				}
				b.SetBytes(size)
			})
			b.Run("read", func(b *testing.B) {
				write()
				for b.Loop() {
					again, err := newBuiltin(nil)
					if err == nil {
						err = again.load(BuiltinConfig{Dir: dir})
					}
					if err != nil {
						b.Fatal(err)
					}
					again.redis.Close()
					again.commands.close()
				}
			})
		})
	}
}
