package tasks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/tasks"
)

// TestSeedTasks checks how tasks with seeds are carried out.
func TestSeedTasks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, n *seedFixture)
	}{
		{"a task admits its URLs and reports the result", seedsJob},
		{"seeds have their own priority, the task's or the job's", seedsByPriority},
		{"the queue of the job takes seeds as well", seedsInOwnQueue},
		{"a task that is carried out again changes nothing", seedsOnce},
		{"an invalid payload is archived, and the error says what is expected", archivesBadSeeds},
		{"a job that accepts no seeds is reported with the remedy", archivesSeedsOfNoJob},
		{"concurrent tasks admit each URL once", seedsAtOnce},
		{"a task that no server of the queue can carry out is archived", archivesMisplaced},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				c.test(t, newSeedFixture(t, url))
			})
		})
	}
}

// seedFixture is a job in a fleet that carries out seed tasks.
type seedFixture struct {
	*queueTest
	fleet *tasks.Client
	store *frontier.Store
	tasks *asynq.Client
}

func newSeedFixture(t *testing.T, url string) *seedFixture {
	t.Helper()
	n := &seedFixture{queueTest: newQueueTest(t, url), store: storeAt(t, url)}
	n.fleet = tasks.NewClient(n.store, n.redis)
	n.tasks = asynq.NewClient(n.redis)
	t.Cleanup(func() { n.tasks.Close(); n.fleet.Close() })
	if err := n.fleet.Create(t.Context(), n.job.Job); err != nil {
		t.Fatal(err)
	}
	n.serveSeeds(n.store)
	return n
}

// storeAt opens the store in the Redis of a URL.
func storeAt(t *testing.T, url string) *frontier.Store {
	t.Helper()
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	rdb := endpoint.Client()
	t.Cleanup(func() { rdb.Close() })
	return frontier.New(rdb)
}

// serveSeeds carries out seed tasks until the test ends. Tests that share a Redis carry out each
// other's tasks, as the schedulers of a fleet do.
func (n *seedFixture) serveSeeds(store *frontier.Store) {
	n.t.Helper()
	s, err := wire.Serve(n.t.Context(), n.redis, nil, wire.ServerConfig{
		Job: tasks.SeedQueue, Poll: 250 * time.Millisecond, Others: seedsInto(store),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(s.Close)
}

// seedsInto has the handler of seed tasks for a store.
func seedsInto(store *frontier.Store) map[string]asynq.HandlerFunc {
	return map[string]asynq.HandlerFunc{tasks.TypeSeed: tasks.SeedHandler(store, nil)}
}

// seed enqueues a task for the job and returns it when it has ended.
func (n *seedFixture) seed(urls []string, opts ...asynq.Option) *asynq.TaskInfo {
	n.t.Helper()
	task, err := tasks.NewSeedTask(n.queue, urls)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.carryOut(task, opts...)
}

func (n *seedFixture) carryOut(task *asynq.Task, opts ...asynq.Option) *asynq.TaskInfo {
	n.t.Helper()
	info, err := n.tasks.EnqueueContext(n.t.Context(), task, opts...)
	if err != nil {
		n.t.Fatal(err)
	}
	return n.waitState(info, asynq.TaskStateCompleted, asynq.TaskStateArchived)
}

// waitState waits until a task is in one of the states.
func (n *seedFixture) waitState(info *asynq.TaskInfo, states ...asynq.TaskState) *asynq.TaskInfo {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 10*time.Minute) // the task never reaches the state
	defer cancel()
	for {
		now, err := n.inspector.GetTaskInfo(info.Queue, info.ID)
		if err != nil {
			n.t.Fatal(err)
		}
		if slices.Contains(states, now.State) {
			return now
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			n.t.Fatalf("task %s is %v (%s), want %v", info.ID, now.State, now.LastErr, states)
		}
	}
}

// result reads the result of a completed task.
func (n *seedFixture) result(info *asynq.TaskInfo) crawler.Seeding {
	n.t.Helper()
	if info.State != asynq.TaskStateCompleted {
		n.t.Fatalf("the task is %v: %s", info.State, info.LastErr)
	}
	var sum crawler.Seeding
	if err := json.Unmarshal(info.Result, &sum); err != nil {
		n.t.Fatalf("the result %q: %v", info.Result, err)
	}
	return sum
}

// seen returns how many URLs the job has seen.
func (n *seedFixture) seen() int64 {
	n.t.Helper()
	counters, err := n.fleet.Counters(n.t.Context(), n.queue)
	if err != nil {
		n.t.Fatal(err)
	}
	return counters.Seen
}

// wantArchived checks that a task was archived at once with an error that contains the texts.
func (n *seedFixture) wantArchived(info *asynq.TaskInfo, says ...string) {
	n.t.Helper()
	// A busy machine may lose the lease of a task once and retry it.
	if info.State != asynq.TaskStateArchived || !strings.Contains(info.LastErr, asynq.SkipRetry.Error()) {
		n.t.Errorf("the task is %v after %d retries (%s), want archived without a retry", info.State, info.Retried,
			info.LastErr)
	}
	for _, text := range says {
		if !strings.Contains(info.LastErr, text) {
			n.t.Errorf("the error is %q, want %q in it", info.LastErr, text)
		}
	}
}

func seedsJob(t *testing.T, n *seedFixture) {
	info := n.seed([]string{"https://a.example/", "HTTPS://A.example:443", "nowhere", "https://b.example/?q=1"})
	if info.Queue != "crawl:seed" || info.Type != "crawl:seed" {
		t.Errorf("the task is a %s in queue %s", info.Type, info.Queue)
	}
	_, reason := crawler.ParseURL("nowhere")
	want := crawler.Seeding{Admitted: 2, Seen: 1, Refused: 1,
		Refusals: []crawler.Refusal{{Line: 3, URL: "nowhere", Reason: reason.Error()}}}
	if diff := cmp.Diff(want, n.result(info)); diff != "" {
		t.Errorf("the result differs (-want +got):\n%s", diff)
	}
	if strings.ContainsAny(string(info.Result), "\n\t") {
		t.Errorf("the result %q is not compact JSON, which is all that asynq's web UI shows", info.Result)
	}
	status, err := n.fleet.Status(t.Context(), n.queue)
	if err != nil || !status.Seeded || status.Held {
		t.Errorf("the job is %+v (%v), want it seeded and not held", status, err)
	}
}

// A seed has its own priority, else that of the task, else the first of the job's that it matches,
// else high.
func seedsByPriority(t *testing.T, n *seedFixture) {
	changes := setting.Changes{"priorities": json.RawMessage(`["low=/archive/", {"match": "/a$", "priority": "normal"}]`)}
	if _, err := n.fleet.Set(t.Context(), n.queue, setting.AnyRevision, changes); err != nil {
		t.Fatal(err)
	}
	lines := listOf("https://a.example/archive/1", "https://a.example/a", "https://a.example/b",
		`{"url": "https://a.example/archive/2", "priority": "urgent"}`,
		`{"url": "https://a.example/c", "prority": "low"}`, `{"url": "https://a.example/c", "priority": "hihg"}`)
	sum, err := n.fleet.Seed(t.Context(), n.queue, lines, nil)
	if err != nil || sum.Admitted != 4 || sum.Refused != 2 {
		t.Fatalf("the result is %+v, %v", sum, err)
	}
	for i, says := range []string{`unknown field "prority" (did you mean "priority"?)`,
		`"hihg" is not a priority (did you mean "high"?): want urgent, high, normal or low`} {
		if r := sum.Refusals[i]; r.Line != int64(i+5) || !strings.Contains(r.Reason, says) {
			t.Errorf("the refusal is %+v, want %q", r, says)
		}
	}
	task, err := tasks.Seeds{Job: n.queue, Priority: crawler.PriorityLow,
		URLs: []string{"https://a.example/d", "https://a.example/b"}}.Task()
	if err != nil {
		t.Fatal(err)
	}
	n.result(n.carryOut(task))
	status, err := n.fleet.Status(t.Context(), n.queue)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]crawler.Priority{
		"archive/1": crawler.PriorityLow, "a": crawler.PriorityNormal, "b": crawler.PriorityHigh,
		"archive/2": crawler.PriorityUrgent, "d": crawler.PriorityLow,
	} {
		u, err := crawler.ParseURL("https://a.example/" + path)
		if err != nil {
			t.Fatal(err)
		}
		found, err := n.store.Frontier(status.Job).Find(t.Context(), u)
		if err != nil || found.Place != queue.PlaceQueue || found.Entry.Band.Priority() != want {
			t.Errorf("%s waits as %+v (%v), want priority %s", u, found, err, want)
		}
	}
	if _, err := (tasks.Seeds{Job: n.queue, Priority: "soon",
		URLs: []string{"https://a.example/"}}).Task(); err == nil ||
		!strings.Contains(err.Error(), `priority: "soon" is not a priority`) {
		t.Errorf("a task of an unknown priority: %v", err)
	}
}

func seedsInOwnQueue(t *testing.T, n *seedFixture) {
	n.serve(n.queue, seedsInto(n.store))
	info := n.seed([]string{"https://a.example/"}, asynq.Queue(n.queue))
	if sum := n.result(info); info.Queue != n.queue || sum.Admitted != 1 {
		t.Errorf("in queue %s the result is %+v", info.Queue, sum)
	}
}

func seedsOnce(t *testing.T, n *seedFixture) {
	urls := []string{"https://a.example/", "https://b.example/"}
	n.result(n.seed(urls))
	if sum := n.result(n.seed(urls)); sum.Admitted != 0 || sum.Seen != 2 || n.seen() != 2 {
		t.Errorf("the second result is %+v, and the job has seen %d URLs", sum, n.seen())
	}
}

func archivesBadSeeds(t *testing.T, n *seedFixture) {
	many, err := json.Marshal(tasks.Seeds{Job: n.queue, URLs: slices.Repeat([]string{"a:b"}, tasks.MaxSeedURLs+1)})
	if err != nil {
		t.Fatal(err)
	}
	for payload, says := range map[string]string{
		"":                                "unexpected end of JSON",
		"no JSON":                         `"no JSON"`,
		"null":                            "names no job",
		`["https://a.example/"]`:          "cannot unmarshal array",
		`{"urls":["https://a.example/"]}`: "names no job",
		`{"job":"news"}`:                  "has no urls",
		`{"job":"news","urls":"https://a.example/"}`: "cannot unmarshal string",
		`{"job":"news","urls":[]}`:                   "has no urls",
		string(many):                                 "has 10001 urls, at most 10000",
		`{"job":"` + strings.Repeat("x", tasks.MaxSeedPayload) + `"}`: "has 1048586 bytes, at most 1048576",
	} {
		info := n.carryOut(asynq.NewTask(tasks.TypeSeed, []byte(payload), asynq.Queue(tasks.SeedQueue)))
		n.wantArchived(info, says)
		if len(info.LastErr) > 1000 {
			t.Errorf("the error has %d bytes", len(info.LastErr))
		}
	}
	if n.seen() != 0 {
		t.Errorf("%d URLs were admitted", n.seen())
	}
}

func archivesSeedsOfNoJob(t *testing.T, n *seedFixture) {
	ctx := t.Context()
	payload := fmt.Sprintf(`{"job":"no-%s","urls":["https://a.example/"]}`, n.queue)
	info := n.carryOut(asynq.NewTask(tasks.TypeSeed, []byte(payload), asynq.Queue(tasks.SeedQueue)))
	n.wantArchived(info, "no-"+n.queue, "no job of this name", "create it", "run this task again")

	move := func(to, from crawler.State) {
		if moved, err := n.store.Move(ctx, n.queue, to, "", from); err != nil || !moved {
			t.Fatalf("the job does not become %s: %v", to, err)
		}
	}
	move(crawler.StateRunning, crawler.StateCreated)
	move(crawler.StateDone, crawler.StateRunning)
	late := n.seed([]string{"https://a.example/"})
	n.wantArchived(late, "is done", "trawl job resume "+n.queue, "run this task again")
	if err := n.fleet.Resume(ctx, n.queue); err != nil {
		t.Fatal(err)
	}
	if err := n.inspector.RunTask(late.Queue, late.ID); err != nil {
		t.Fatal(err)
	}
	if sum := n.result(n.waitState(late, asynq.TaskStateCompleted)); sum.Admitted != 1 {
		t.Errorf("after the job was resumed the result is %+v", sum)
	}
	if err := n.fleet.Cancel(ctx, n.queue); err != nil {
		t.Fatal(err)
	}
	n.wantArchived(n.seed([]string{"https://b.example/"}), "is cancelled", "seed another")
}

func seedsAtOnce(t *testing.T, n *seedFixture) {
	const count = 20
	urls := make([]string, 700)
	for i := range urls {
		urls[i] = fmt.Sprintf("https://site%d.example/%d", i%7, i)
	}
	task, err := tasks.NewSeedTask(n.queue, urls)
	if err != nil {
		t.Fatal(err)
	}
	infos := make([]*asynq.TaskInfo, count)
	for i := range infos {
		if infos[i], err = n.tasks.EnqueueContext(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
	var admitted, seen int64
	for _, info := range infos {
		sum := n.result(n.waitState(info, asynq.TaskStateCompleted, asynq.TaskStateArchived))
		admitted, seen = admitted+sum.Admitted, seen+sum.Seen
	}
	// If an answer of Redis is lost on a busy machine, the repeated call finds its URLs seen.
	if admitted > 700 || admitted+seen != count*700 || n.seen() != 700 {
		t.Errorf("%d were admitted and %d seen, and the job has seen %d", admitted, seen, n.seen())
	}
}

func archivesMisplaced(t *testing.T, n *seedFixture) {
	n.wantArchived(n.carryOut(asynq.NewTask(wire.TypeFetch, []byte("{}"), asynq.Queue(tasks.SeedQueue))),
		"does not accept tasks of type")
	n.wantArchived(n.carryOut(asynq.NewTask("email", nil, asynq.Queue(tasks.SeedQueue))), `"email"`)
	n.serve(n.queue, nil)
	n.wantArchived(n.seed([]string{"https://a.example/"}, asynq.Queue(n.queue)), `"crawl:seed"`)
}

func TestSeedTasksAreRetriedUntilRedisIsAvailable(t *testing.T) {
	t.Parallel()
	// The job is in a Redis of its own here, so that it can become unavailable while asynq keeps
	// its tasks.
	jobRedis := redistest.Durable(t)
	n := &seedFixture{queueTest: newQueueTest(t, redistest.New(t))}
	n.store = storeAt(t, "redis://"+jobRedis.TCP)
	n.tasks = asynq.NewClient(n.redis)
	t.Cleanup(func() { n.tasks.Close() })
	if err := n.store.Create(t.Context(), n.job.Job); err != nil {
		t.Fatal(err)
	}
	n.serve(n.queue, seedsInto(n.store))
	if err := jobRedis.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	task, err := tasks.NewSeedTask(n.queue, []string{"https://a.example/"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := n.tasks.EnqueueContext(t.Context(), task, asynq.Queue(n.queue))
	if err != nil {
		t.Fatal(err)
	}
	failed := n.waitState(info, asynq.TaskStateRetry)
	if wait := time.Until(failed.NextProcessAt); wait > time.Minute || failed.MaxRetry != 25 {
		t.Errorf("the task is tried again in %v, up to %d times (%s)", wait, failed.MaxRetry, failed.LastErr)
	}
	if err := jobRedis.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if sum := n.result(n.waitState(info, asynq.TaskStateCompleted, asynq.TaskStateArchived)); sum.Admitted != 1 {
		t.Errorf("after the restart of Redis the result is %+v", sum)
	}
}

func TestASeedTaskIsBounded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		job  string
		urls []string
		says string
	}{
		"no job":  {"", []string{"https://a.example/"}, "names no job"},
		"no URLs": {"news", nil, "has no urls"},
		"too many URLs": {
			"news", slices.Repeat([]string{"a:b"}, tasks.MaxSeedURLs+1),
			"at most 10000 are allowed: make several tasks",
		},
		"too long": {
			"news", []string{strings.Repeat("x", tasks.MaxSeedPayload)},
			"at most 1048576 are allowed: make several tasks",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tasks.NewSeedTask(c.job, c.urls); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v, want %q", err, c.says)
			}
		})
	}
	if _, err := tasks.NewSeedTask("news", slices.Repeat([]string{"https://a.example/"},
		tasks.MaxSeedURLs)); err != nil {
		t.Error(err)
	}
}

// listOf returns a list of the lines.
func listOf(lines ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

func TestAJobThatEndsDuringSeedingTakesNoMoreSeeds(t *testing.T) {
	t.Parallel()
	n := newSeedFixture(t, redistest.New(t))
	cancelled := func(yield func(string, error) bool) {
		if !yield("https://a.example/", nil) {
			return
		}
		if err := n.fleet.Cancel(t.Context(), n.queue); err != nil {
			t.Error(err)
		}
	}
	if _, err := n.fleet.Seed(t.Context(), n.queue, cancelled, nil); !errors.Is(err, queue.ErrJobEnded) {
		t.Errorf("the error is %v, want that the job has ended", err)
	}
	if _, err := n.fleet.Seed(t.Context(), n.queue, listOf("https://a.example/"), nil); !errors.Is(err,
		queue.ErrJobEnded) {
		t.Errorf("the error is %v, want that the job has ended", err)
	}
}

func TestAnOverlongLineIsRefusedAndTheOthersAreSeeded(t *testing.T) {
	t.Parallel()
	n := newSeedFixture(t, redistest.New(t))
	long := "https://a.example/" + strings.Repeat("x", 100)
	list := seedfile.SeedLines(strings.NewReader("https://a.example/1\n"+long+"\nhttps://a.example/2\n"), 50)
	sum, err := n.fleet.Seed(t.Context(), n.queue, list, nil)
	if err != nil || sum.Admitted != 2 || sum.Refused != 1 || len(sum.Refusals) != 1 {
		t.Fatalf("the result is %+v, %v; want 2 new and 1 refused", sum, err)
	}
	if r := sum.Refusals[0]; r.Line != 2 || !strings.HasPrefix(r.URL, "https://a.example/xxx") ||
		!strings.Contains(r.Reason, "at most 50 bytes") {
		t.Errorf("the line is refused as %+v", r)
	}
}

// Callers of the API and programs that enqueue tasks are not operators.
func TestOnlySeedsOfOperatorsAllowTheirPorts(t *testing.T) {
	t.Parallel()
	n := newSeedFixture(t, redistest.New(t))
	opens := func(job string, want ...string) {
		t.Helper()
		ports, err := n.store.OpenedPorts(t.Context(), job)
		slices.Sort(ports)
		if err != nil || !slices.Equal(ports, want) {
			t.Errorf("job %s has the ports %q open, %v; want %q", job, ports, err, want)
		}
	}
	if _, err := n.fleet.SeedClosed(t.Context(), n.queue, listOf("https://a.example:1/"), nil); err != nil {
		t.Fatal(err)
	}
	n.result(n.seed([]string{"https://a.example:2/"}))
	opens(n.queue)
	if _, err := n.fleet.Seed(t.Context(), n.queue,
		listOf("https://a.example:3/", "https://b.example:3/", "https://a.example/", "https://a.example:1/"),
		nil); err != nil {
		t.Fatal(err)
	}
	opens(n.queue, "", "1", "3")
	for name, create := range map[string]func(context.Context, crawler.Job) error{
		"closed": n.fleet.CreateClosed, "open": n.fleet.Create} {
		job := crawler.DefaultJob()
		job.Name, job.Seeds = n.queue[:min(len(n.queue), 50)]+"-"+name, []string{"https://a.example:4/"}
		if err := create(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		opens(job.Name, map[string][]string{"open": {"4"}}[name]...)
		if err := create(t.Context(), job); !errors.Is(err, queue.ErrJobExists) {
			t.Errorf("creating it again: %v", err)
		}
	}
}
