package faults_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// inspector returns an asynq inspector, which does what asynq's web UI does.
func (c *crawl) inspector() *asynq.Inspector {
	c.t.Helper()
	i := asynq.NewInspector(asynq.RedisClientOpt{Addr: c.Redis.TCP})
	c.t.Cleanup(func() { i.Close() })
	return i
}

// Users of asynq's web UI may delete and archive tasks. asynq hides them from the workers then, but
// the frontier still contains the visits.
func TestTasksAreDeletedAndArchivedByHand(t *testing.T) {
	t.Parallel()
	for name, interfere := range map[string]func(c *crawl, i *asynq.Inspector) (int, error){
		"deleted one by one": func(c *crawl, i *asynq.Inspector) (int, error) {
			return c.eachPending(i, i.DeleteTask)
		},
		"archived one by one": func(c *crawl, i *asynq.Inspector) (int, error) {
			return c.eachPending(i, i.ArchiveTask)
		},
		"all deleted": func(c *crawl, i *asynq.Inspector) (int, error) {
			return i.DeleteAllPendingTasks(c.job.Name)
		},
		"all archived": func(c *crawl, i *asynq.Inspector) (int, error) {
			return i.ArchiveAllPendingTasks(c.job.Name)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 40, size(8, 30))
			i := c.inspector()
			worker := c.beginWithPending(i)
			tasks, err := interfere(c, i)
			worker.Signal(syscall.SIGCONT)
			for err == nil && tasks < size(4, 50) && c.runs() { // and again during the crawl
				var n int
				n, err = interfere(c, i)
				tasks += n
			}
			if err != nil {
				t.Fatal(err)
			}
			c.wantUnbroken(0)
			t.Logf("%d tasks were %s", tasks, name)
			if tasks == 0 {
				t.Error("there was no pending task")
			}
		})
	}
}

// beginWithPending starts the crawl and returns its worker, which is stopped while visits wait for
// it in the queue. No visit is in progress.
func (c *crawl) beginWithPending(i *asynq.Inspector) *testfleet.Process {
	c.t.Helper()
	// Few places, so that visits wait during the whole crawl.
	scheduler, worker := c.Scheduler(), c.Worker("--concurrency", size("3", "15"))
	seeds := c.job.Seeds
	c.job.Seeds = nil
	c.begin()
	eventually(c.t, "the worker serves the job", func() bool {
		servers, err := i.Servers()
		return err == nil && slices.ContainsFunc(servers,
			func(s *asynq.ServerInfo) bool { return s.Queues[c.job.Name] > 0 })
	})
	scheduler.Signal(syscall.SIGSTOP)
	if output, status := c.Run(append([]string{"seed", c.job.Name}, seeds...)...); status != 0 {
		c.t.Fatalf("seed: exit status %d\n%s", status, output)
	}
	worker.Signal(syscall.SIGSTOP)
	c.keepServers()
	scheduler.Signal(syscall.SIGCONT)
	eventually(c.t, "visits wait in the queue", func() bool {
		waiting, err := i.ListPendingTasks(c.job.Name)
		return err == nil && len(waiting) > 0
	})
	return worker
}

// keepServers makes asynq count on stopped workers for an hour, not for ten seconds. A worker that
// continues announces itself as usual.
func (c *crawl) keepServers() {
	c.t.Helper()
	ctx := testfleet.Soon(c.t)
	const servers, hour = "asynq:servers", time.Hour
	keys, err := c.redis.ZRange(ctx, servers, 0, -1).Result()
	for _, key := range keys {
		if err == nil {
			err = c.redis.Expire(ctx, key, hour).Err()
		}
		if err == nil {
			err = c.redis.ZAdd(ctx, servers, redis.Z{Score: float64(time.Now().Add(hour).Unix()), Member: key}).Err()
		}
	}
	if err != nil || len(keys) == 0 {
		c.t.Fatalf("asynq's servers are %q: %v", keys, err)
	}
}

// eachPending calls do for each visit that waits in the queue, and counts those that still waited.
func (c *crawl) eachPending(i *asynq.Inspector, do func(queue, id string) error) (int, error) {
	waiting, err := i.ListPendingTasks(c.job.Name)
	n := 0
	for _, task := range waiting {
		if do(c.job.Name, task.ID) == nil {
			n++
		}
	}
	return n, err
}

// runs reports whether the job has not ended.
func (c *crawl) runs() bool {
	c.t.Helper()
	status, err := c.Client.Status(testfleet.Soon(c.t), c.job.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	return !status.State.Ended()
}

// Only the script that takes a task reads the leases of a queue, so a scheduler does not notice
// when they are garbage. No visit is in progress, because that would hide the error.
func TestGarbageInTheLeasesOfAQueueIsRepaired(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 6, 8)
	i := c.inspector()
	worker := c.beginWithPending(i)
	key := "asynq:{" + c.job.Name + "}:lease"
	if err := setString(c, key); err != nil {
		t.Fatal(err)
	}
	worker.Signal(syscall.SIGCONT)
	c.wantComplete(0)
}
