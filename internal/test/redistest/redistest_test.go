package redistest_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestBothKeepWhatIsWritten(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		opts, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(opts)
		defer c.Close()
		key := redistest.Name(t)
		if err := c.Set(t.Context(), key, "caught", 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Get(t.Context(), key).Result(); got != "caught" {
			t.Errorf("the key is %q (%v), want %q", got, err, "caught")
		}
	})
}

func TestAllTestsShareOneRealRedis(t *testing.T) {
	t.Parallel()
	if a, b := redistest.New(t), redistest.New(t); a != b {
		t.Errorf("two servers: %s and %s", a, b)
	}
}

func TestAPrivateRedisIsEmptyAndThatOfOneTest(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	kinds := make(map[string]bool)
	for i := range 100 {
		// Subtests run one after the other, but each database is used again only after all others.
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			url := redistest.Private(t)
			if seen[url] {
				t.Errorf("two tests have %s", url)
			}
			seen[url] = true
			kind, _, _ := strings.Cut(url, ":")
			kinds[kind] = true
			opts, err := redis.ParseURL(url)
			if err != nil {
				t.Fatal(err)
			}
			c := redis.NewClient(opts)
			defer c.Close()
			keys, err := c.Keys(t.Context(), "*").Result()
			if err != nil || len(keys) > 0 {
				t.Errorf("it has the keys %q, %v", keys, err)
			}
			if err := c.Set(t.Context(), "key", i, 0).Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
	if _, found := redisd.Find(); found && !maps.Equal(kinds, map[string]bool{"unix": true, "redis": true}) {
		t.Errorf("all are of %v, want some real ones and some built-in ones", kinds)
	}
}

func TestNamesAreNamesOfJobsAndDiffer(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	for _, test := range []string{"short", "Ünïcode & blanks",
		"a name that is much longer than the name of any job may ever be in any case"} {
		t.Run(test, func(t *testing.T) {
			a, b := redistest.Name(t), redistest.Name(t)
			if !valid.MatchString(a) {
				t.Errorf("%q cannot name a job", a)
			}
			if a == b {
				t.Errorf("two names are both %q", a)
			}
		})
	}
}
