// Package redistest provides a Redis for tests: a real one that all tests of a test
// binary share, or the built-in one. Tests stay out of each other's way by using unique
// names from [Name], and never empty a database.
package redistest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// New returns the URL of a real Redis, which the tests of this binary share and which
// ends with it. The test is skipped if no server is on PATH; with
// TRAWL_TEST_REDIS=required in the environment it fails instead.
func New(t testing.TB) string {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	server, err := shared()
	if err != nil {
		t.Fatalf("start the Redis of the tests: %v", err)
	}
	return server.URL()
}

func miss(t testing.TB) {
	t.Helper()
	const why = "no redis-server or valkey-server on PATH: install redis-server"
	if os.Getenv("TRAWL_TEST_REDIS") == "required" {
		t.Fatal(why + ", and TRAWL_TEST_REDIS=required")
	}
	t.Skip(why)
}

// shared starts the server once.
var shared = sync.OnceValues(func() (*redisd.Server, error) { return startShared("") })

// startShared starts a server for all tests of this binary, with a folder of this name. Nothing stops
// it, because no test knows that it is the last. On Linux the kernel ends it with this process;
// elsewhere the next run of the test binary does.
func startShared(name string, args ...string) (*redisd.Server, error) {
	binary := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("trawl-redistest-%d", os.Getuid()), binary, name)
	for run := 0; ; run++ {
		// Reuse the folders of earlier runs, so that they do not accumulate.
		cfg := redisd.Config{Dir: filepath.Join(dir, fmt.Sprint(run)), Args: args}
		server, err := redisd.Start(context.Background(), cfg)
		if !errors.Is(err, redisd.ErrInUse) {
			return server, err
		}
	}
}

// Builtin returns the URL of a built-in Redis for this test alone, which ends with it. The
// test fails if its log does not hold its data then.
func Builtin(t testing.TB) string {
	t.Helper()
	b, err := redisd.OpenBuiltin(t.Context(), redisd.BuiltinConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Stop(), b.Verify()); err != nil {
			t.Error(err)
		}
	})
	return b.URL()
}

// Both runs a test against a real Redis, as subtest "redis", and against the built-in
// one, as subtest "builtin". The test may call t.Parallel.
func Both(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) { test(t, New(t)) })
	t.Run("builtin", func(t *testing.T) { test(t, Builtin(t)) })
}

// sampled is the part of the tests that run against the built-in Redis where that takes long: one in
// this many.
const sampled = 6

// inSample reports whether a test is one of a sample, of one in n. It follows from the name of the test,
// so that it is the same in each run.
func inSample(t testing.TB, n uint32) bool { return crc32.ChecksumIEEE([]byte(t.Name()))%n == 0 }

// Sampled runs a test as Both does, for tests that are not about concurrent calls of a Redis. With
// the race detector, which makes the Lua of the built-in Redis ten times as slow, a sixth of these
// tests run against the built-in one. `make test` runs all of them again without the detector.
func Sampled(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) { test(t, New(t)) })
	t.Run("builtin", func(t *testing.T) {
		if !inSample(t, sampled) {
			race.Skip(t)
		}
		test(t, Builtin(t))
	})
}

// Name returns a job name that no other test uses: the beginning of the test's name and
// random letters, at most 63 of a-z, 0-9 and hyphens.
func Name(t testing.TB) string {
	const room, unique = 50, 12
	name := strings.Map(jobLetter, strings.ToLower(t.Name()))
	name = strings.Trim(name[:min(room, len(name))], "-")
	return name + "-" + strings.ToLower(rand.Text()[:unique])
}

func jobLetter(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}
