package frontier_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

var _ asynq.RedisConnOpt = redisconn.Endpoint{}

func endpoint(t testing.TB, url string) redisconn.Endpoint {
	t.Helper()
	e, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// asynqTest is an asynq client, server and inspector for one queue, as a fleet uses them.
type asynqTest struct {
	t         testing.TB
	queue     string
	client    *asynq.Client
	inspector *asynq.Inspector
	done      chan string // payloads of the processed tasks
}

func newAsynqTest(t testing.TB, e redisconn.Endpoint) *asynqTest {
	t.Helper()
	p := &asynqTest{t, redistest.Name(t), asynq.NewClient(e), asynq.NewInspector(e), make(chan string, 10)}
	server := asynq.NewServer(e, asynq.Config{
		Concurrency: 2, Queues: map[string]int{p.queue: 1}, TaskCheckInterval: 10 * time.Millisecond,
		Logger: discardLogger{},
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		_, err := task.ResultWriter().Write([]byte("result"))
		p.done <- string(task.Payload())
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Shutdown()
		if err := errors.Join(p.client.Close(), p.inspector.Close()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// discardLogger is a logger that discards everything.
type discardLogger struct{}

func (discardLogger) Debug(...any) {}
func (discardLogger) Info(...any)  {}
func (discardLogger) Warn(...any)  {}
func (discardLogger) Error(...any) {}
func (discardLogger) Fatal(...any) {}

func (p *asynqTest) enqueue(payload string) error {
	task := asynq.NewTask("crawl:fetch", []byte(payload), asynq.Queue(p.queue), asynq.TaskID(payload),
		asynq.Retention(time.Hour))
	_, err := p.client.EnqueueContext(p.t.Context(), task)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// waitProcessed waits until a task is processed.
func (p *asynqTest) waitProcessed(payload string) {
	p.t.Helper()
	select {
	case got := <-p.done:
		if got != payload {
			p.t.Errorf("task %q was processed, want %q", got, payload)
		}
	case <-p.t.Context().Done():
		p.t.Fatalf("task %q: %v", payload, context.Cause(p.t.Context()))
	}
}

// waitCompleted waits until asynq shows a task with its result.
func (p *asynqTest) waitCompleted(payload string) {
	p.t.Helper()
	for p.t.Context().Err() == nil {
		info, err := p.inspector.GetTaskInfo(p.queue, payload)
		if err != nil {
			p.t.Fatal(err)
		}
		if info.State == asynq.TaskStateCompleted {
			if string(info.Result) != "result" {
				p.t.Errorf("result: got %q", info.Result)
			}
			return
		}
	}
}

func TestAsynqWorksOnEachKindOfRedis(t *testing.T) {
	t.Parallel()
	for kind, url := range map[string]func(t testing.TB) string{
		"a single server":                      func(t testing.TB) string { return redistest.New(t) },
		"a user with only the required rights": withRights,
		"a Cluster": func(t testing.TB) string {
			return "redis+cluster://" + strings.Join(redistest.Cluster(t), ",")
		},
		"a master with Sentinels": func(t testing.TB) string { return redistest.Sentinel(t).URL("/0") },
		"another database than 0": func(t testing.TB) string { return "redis://" + redistest.Own(t).TCP + "/3" },
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			p := newAsynqTest(t, endpoint(t, url(t)))
			if err := p.enqueue("one"); err != nil {
				t.Fatal(err)
			}
			p.waitProcessed("one")
			p.waitCompleted("one")
			p.inspect()
		})
	}
}

func withRights(t testing.TB) string {
	t.Helper()
	node := redistest.Own(t)
	rdb := endpoint(t, node.URL()).Client()
	defer rdb.Close()
	command := []any{"ACL", "SETUSER", "crawler", "on", ">secret"}
	for _, word := range strings.Fields(redisconn.Rights) {
		command = append(command, word)
	}
	if err := rdb.Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
	return "redis://crawler:secret@" + node.TCP
}

// inspect makes the queries and changes of a scheduler and of the web UI.
func (p *asynqTest) inspect() {
	p.t.Helper()
	must := func(what string, err error) {
		p.t.Helper()
		if err != nil {
			p.t.Errorf("%s: %v", what, err)
		}
	}
	servers, err := p.inspector.Servers()
	must("servers", err)
	if len(servers) == 0 {
		p.t.Error("no servers are listed")
	}
	_, err = p.inspector.Queues()
	must("queues", err)
	info, err := p.inspector.GetQueueInfo(p.queue)
	must("queue", err)
	if err == nil && (info.Processed != 1 || info.Completed != 1) {
		p.t.Errorf("the queue has %d tasks processed and %d completed, want 1 and 1", info.Processed, info.Completed)
	}
	_, err = p.inspector.History(p.queue, 2)
	must("history", err)
	_, err = p.inspector.ListActiveTasks(p.queue)
	must("active tasks", err)
	_, err = p.inspector.ListCompletedTasks(p.queue)
	must("completed tasks", err)
	must("pause", p.inspector.PauseQueue(p.queue))
	must("unpause", p.inspector.UnpauseQueue(p.queue))
	must("cancel", p.inspector.CancelProcessing("nobody"))
	_, err = p.inspector.DeleteAllCompletedTasks(p.queue)
	must("delete completed tasks", err)
	must("delete the queue", p.inspector.DeleteQueue(p.queue, true))
}

func TestAsynqContinuesAfterASentinelFailover(t *testing.T) {
	t.Parallel()
	w := redistest.Sentinel(t)
	p := newAsynqTest(t, endpoint(t, w.URL("")))
	if err := p.enqueue("before"); err != nil {
		t.Fatal(err)
	}
	p.waitProcessed("before")
	w.Master.Kill()
	err := p.enqueue("after")
	for err != nil && t.Context().Err() == nil {
		err = p.enqueue("after")
	}
	if err != nil {
		t.Fatal(err)
	}
	p.waitProcessed("after")
}
