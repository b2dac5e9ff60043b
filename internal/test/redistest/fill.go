package redistest

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Fill puts 100 MiB into a Redis, and returns a budget of memory in bytes of which nearly 0.87 are
// used then: Trawl spills what it can, and is not slowed down.
func Fill(t testing.TB, rdb redis.Cmdable) (budget int64) {
	t.Helper()
	const ballast = 100 << 20
	if err := rdb.SetRange(t.Context(), "ballast", ballast, "x").Err(); err != nil {
		t.Fatal(err)
	}
	text, err := rdb.Info(t.Context(), "memory").Result()
	used := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(text)
	if err != nil || used == nil {
		t.Fatalf("Redis says %q, %v", text, err)
	}
	bytes, _ := strconv.ParseFloat(used[1], 64)
	return int64(bytes / 0.865)
}
