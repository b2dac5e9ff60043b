package redistest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// Private returns the URL of an empty Redis for this test alone, for tests of a process that has a
// Redis of its own. It is a database of a real one, or, in a few of the tests, the built-in one, whose
// Lua takes most of the processor time of such a test: in a sixth of them, and with the race detector
// in a quarter of these. If no server is on PATH, it is the built-in one in all tests; with
// TRAWL_TEST_REDIS=required in the environment, the test fails then. The channels of the real one are
// common to all its databases.
func Private(t testing.TB) string {
	t.Helper()
	_, found := redisd.Find()
	switch {
	case !found && os.Getenv("TRAWL_TEST_REDIS") == "required":
		miss(t)
	case !found, inSample(t, sampled) && !race.Enabled, inSample(t, 4*sampled):
		return Builtin(t)
	}
	all, err := sharedDatabases()
	if err != nil {
		t.Fatalf("start the Redis of the tests: %v", err)
	}
	database := <-all.free
	t.Cleanup(func() {
		if err := all.empty(database); err != nil {
			t.Errorf("empty database %d of the Redis of the tests: %v", database, err)
		}
	})
	return all.url(database)
}

// manyDatabases is how many databases of the server there are, and so tests at once that use it. A
// database is used again as late as possible.
const manyDatabases = 1000

// databases are the databases of a server that the tests of this binary share.
type databases struct {
	server *redisd.Server
	free   chan int // empty databases
}

var sharedDatabases = sync.OnceValues(func() (*databases, error) {
	server, err := startShared("databases", "--databases", fmt.Sprint(manyDatabases))
	if err != nil {
		return nil, err
	}
	d := &databases{server, make(chan int, manyDatabases)}
	for i := range manyDatabases {
		d.free <- i
	}
	return d, nil
})

// url returns the URL of a database.
func (d *databases) url(database int) string {
	return fmt.Sprintf("%s&db=%d", d.server.URL(), database)
}

// empty removes all keys of a database, so that another test may use it.
func (d *databases) empty(database int) error {
	options, err := redis.ParseURL(d.url(database))
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	// The context of the test has ended.
	if err := client.FlushDBAsync(context.Background()).Err(); err != nil {
		return err
	}
	d.free <- database
	return nil
}
