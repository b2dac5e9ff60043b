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

// office is where a test runs the commands about a fleet, which find its Redis in
// the environment, beside the fleet's own processes.
type office struct {
	*testfleet.Fleet
	*shell
	redis *redis.Client
}

func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{Fleet: testfleet.New(t), shell: newShell(t)}
	o.set("TRAWL_REDIS", o.URL())
	o.redis = redis.NewClient(&redis.Options{Addr: o.Redis.TCP})
	t.Cleanup(func() { o.redis.Close() })
	return o
}

// jobOf is a job of a site that may go anywhere there, without a delay.
func jobOf(t testing.TB, g testsite.Graph, site *testsite.Site) crawler.Job {
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay = redistest.Name(t), crawler.ScopeAny, 0
	for _, root := range g.Roots() {
		job.Seeds = append(job.Seeds, site.URL(root.Host, g.Path(root.Page)))
	}
	return job
}

// answer runs a command that is to succeed and reads its answer in JSON.
func (o *office) answer(v any, args ...string) {
	o.t.Helper()
	end := o.run(append(args, "--json")...).exits(done)
	if err := json.Unmarshal([]byte(end.stdout), v); err != nil {
		o.t.Fatalf("%v answers what is no JSON: %v\n%s", args, err, end.stdout)
	}
}

// until waits until something is so.
func (o *office) until(what string, condition func(ctx context.Context) bool) {
	o.t.Helper()
	const every = 20 * time.Millisecond
	ctx := testfleet.Soon(o.t)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !condition(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			o.t.Fatalf("it does not come to be that %s", what)
		}
	}
}

// becomes waits until a job is in a state.
func (o *office) becomes(job string, state crawler.State) {
	o.t.Helper()
	o.until(fmt.Sprintf("job %s is %s", job, state), func(ctx context.Context) bool {
		status, err := o.Client.Status(ctx, job)
		return err == nil && status.State == state
	})
}

// keys are the names of all keys in Redis that have a text in them.
func (o *office) keys(text string) []string {
	o.t.Helper()
	var found []string
	all := o.redis.Scan(testfleet.Soon(o.t), 0, "*", 1000).Iterator()
	for all.Next(testfleet.Soon(o.t)) {
		if strings.Contains(all.Val(), text) {
			found = append(found, all.Val())
		}
	}
	if err := all.Err(); err != nil {
		o.t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// get asks a process for a page of its health.
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

// page is a page of some text, without links.
func page(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<p>"+text)
	})
}

// connected waits until a command has connected to Redis under a name, and so
// listens to signals.
func (o *office) connected(name string) {
	o.t.Helper()
	o.until(name+" is connected", func(ctx context.Context) bool {
		list, err := o.redis.ClientList(ctx).Result()
		return err == nil && strings.Contains(list, "name="+name+" ")
	})
}
