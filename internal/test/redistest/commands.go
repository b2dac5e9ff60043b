package redistest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Commands returns how many commands a Redis has carried out, those of scripts included, by name.
func Commands(t testing.TB, rdb *redis.Client) map[string]int {
	t.Helper()
	said, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]int)
	for line := range strings.Lines(said) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !ok || name == "info" {
			continue
		}
		var calls int
		if _, err := fmt.Sscanf(rest, "%d,", &calls); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[name] = calls
	}
	return all
}
