package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// fleetTest runs commands against the Redis of a fleet, beside the processes of the fleet. The
// commands find the Redis in their environment.
type fleetTest struct {
	*testfleet.Fleet
	*shell
	redis *redis.Client
}

func newFleetTest(t testing.TB) *fleetTest {
	t.Helper()
	ft := &fleetTest{Fleet: testfleet.New(t), shell: newShell(t)}
	ft.set("TRAWL_REDIS", ft.URL())
	ft.redis = redis.NewClient(&redis.Options{Addr: ft.Redis.TCP})
	t.Cleanup(func() { ft.redis.Close() })
	return ft
}

// jobOf returns a job that crawls all hosts of a site without a delay.
func jobOf(t testing.TB, g testsite.Graph, site *testsite.Site) crawler.Job {
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay = redistest.Name(t), crawler.ScopeAny, 0
	for _, root := range g.Roots() {
		job.Seeds = append(job.Seeds, site.URL(root.Host, g.Path(root.Page)))
	}
	return job
}

// runJSON runs a command with --json, expects success, and decodes its output into v.
func (ft *fleetTest) runJSON(v any, args ...string) {
	ft.t.Helper()
	end := ft.run(append(args, "--json")...).exits(done)
	if err := json.Unmarshal([]byte(end.stdout), v); err != nil {
		ft.t.Fatalf("the output of %v is not JSON: %v\n%s", args, err, end.stdout)
	}
}

// waitUntil waits until a condition is true. The text describes it.
func (ft *fleetTest) waitUntil(what string, condition func(ctx context.Context) bool) {
	ft.t.Helper()
	const every = 20 * time.Millisecond
	ctx := testfleet.Soon(ft.t)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !condition(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			ft.t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// waitForState waits until a job is in a state.
func (ft *fleetTest) waitForState(job string, state crawler.State) {
	ft.t.Helper()
	ft.waitUntil(fmt.Sprintf("job %s is %s", job, state), func(ctx context.Context) bool {
		status, err := ft.Client.Status(ctx, job)
		return err == nil && status.State == state
	})
}

// redisKeys returns all keys in Redis whose names contain a text.
func (ft *fleetTest) redisKeys(text string) []string {
	ft.t.Helper()
	var found []string
	all := ft.redis.Scan(testfleet.Soon(ft.t), 0, "*", 1000).Iterator()
	for all.Next(testfleet.Soon(ft.t)) {
		if strings.Contains(all.Val(), text) {
			found = append(found, all.Val())
		}
	}
	if err := all.Err(); err != nil {
		ft.t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// get requests a path from a process.
func get(t testing.TB, address, path string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(testfleet.Soon(t), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// htmlPage serves an HTML page with some text.
func htmlPage(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>"+text)
	})
}

// waitForConnection waits until a command has connected to Redis under a client name. By then it
// handles signals.
func (ft *fleetTest) waitForConnection(name string) {
	ft.t.Helper()
	ft.waitUntil(name+" is connected", func(ctx context.Context) bool {
		list, err := ft.redis.ClientList(ctx).Result()
		return err == nil && strings.Contains(list, "name="+name+" ")
	})
}
