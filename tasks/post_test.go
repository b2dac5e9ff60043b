package tasks_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/tasks"
)

// postTest is a client and a queue of its own, as for a program's own tasks.
type postTest struct {
	*tasks.Client
	queue     string
	inspector *asynq.Inspector
}

func newPostTest(t *testing.T) *postTest {
	t.Helper()
	url := redistest.New(t)
	client, err := tasks.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	inspector := asynq.NewInspector(endpoint)
	t.Cleanup(func() { inspector.Close() })
	return &postTest{client, redistest.Name(t), inspector}
}

// waiting returns the IDs of the tasks in the queue.
func (m *postTest) waiting(t *testing.T) string {
	t.Helper()
	all, err := m.inspector.ListPendingTasks(m.queue)
	if err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
		t.Fatal(err)
	}
	var ids []string
	for _, task := range all {
		ids = append(ids, task.ID)
	}
	return strings.Join(ids, " ")
}

func TestATaskIsPostedOnceUnderItsID(t *testing.T) {
	t.Parallel()
	m := newPostTest(t)
	task := asynq.NewTask("thumbnail", []byte("x"), asynq.Queue(m.queue), asynq.TaskID("its own"))
	for range 2 {
		if err := m.Post(t.Context(), "ours", task); err != nil {
			t.Fatal(err)
		}
	}
	unique := asynq.Unique(time.Minute)
	for _, id := range []string{"first", "second"} {
		if err := m.Post(t.Context(), id, asynq.NewTask("u", nil), asynq.Queue(m.queue), unique); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.waiting(t); got != "first ours" && got != "ours first" {
		t.Errorf("%q wait, want ours and first", got)
	}
}

func TestPostReportsThatRedisIsUnavailable(t *testing.T) {
	t.Parallel()
	m := newPostTest(t)
	m.Close()
	if err := m.Post(t.Context(), "x", asynq.NewTask("t", nil)); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("the error is %v, want Redis to be unavailable", err)
	}
}

func TestATaskIsCheckedWithoutBeingEnqueued(t *testing.T) {
	t.Parallel()
	m := newPostTest(t)
	good := asynq.NewTask("t", nil, asynq.Queue(m.queue))
	for range 2 { // asynq would register the queue the first time
		if err := m.CheckTask(good, asynq.MaxRetry(1)); err != nil {
			t.Error(err)
		}
	}
	if queues, err := m.inspector.Queues(); err != nil || strings.Contains(strings.Join(queues, " "), m.queue) {
		t.Errorf("asynq lists the queue (%v)", err)
	}
	for name, test := range map[string]struct {
		task    *asynq.Task
		options []asynq.Option
		want    string
	}{
		"without a type":       {asynq.NewTask("", nil), nil, "typename"},
		"that is nil":          {nil, nil, "nil"},
		"with no queue":        {asynq.NewTask("t", nil, asynq.Queue("")), nil, "queue name"},
		"with a bad option":    {good, []asynq.Option{asynq.Unique(time.Millisecond)}, "Unique TTL"},
		"with an empty group":  {good, []asynq.Option{asynq.Group(" ")}, "group key"},
		"with an empty ID too": {good, []asynq.Option{asynq.TaskID("")}, "task ID"},
	} {
		if err := m.CheckTask(test.task, test.options...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("a task %s: %v, want %q", name, err, test.want)
		}
	}
}
