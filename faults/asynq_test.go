package faults_test

import (
	"testing"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/testfleet"
)

// inspector does by hand what asynq's web UI does.
func (c *crawl) inspector() *asynq.Inspector {
	c.t.Helper()
	i := asynq.NewInspector(asynq.RedisClientOpt{Addr: c.Redis.TCP})
	c.t.Cleanup(func() { i.Close() })
	return i
}

// Whoever sees tasks in asynq's web UI may delete and archive them. asynq hides
// them from the workers then; the frontier knows what is still to be done.
func TestTasksAreDeletedAndArchivedByHand(t *testing.T) {
	t.Parallel()
	for name, meddle := range map[string]func(c *crawl, i *asynq.Inspector) (int, error){
		"deleted one by one":  func(c *crawl, i *asynq.Inspector) (int, error) { return c.eachPending(i, i.DeleteTask) },
		"archived one by one": func(c *crawl, i *asynq.Inspector) (int, error) { return c.eachPending(i, i.ArchiveTask) },
		"all deleted":         func(c *crawl, i *asynq.Inspector) (int, error) { return i.DeleteAllPendingTasks(c.job.Name) },
		"all archived":        func(c *crawl, i *asynq.Inspector) (int, error) { return i.ArchiveAllPendingTasks(c.job.Name) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 40, size(8, 30))
			c.Scheduler()
			c.Worker("--concurrency", size("3", "15")) // so that there are visits all the time
			c.begin()
			c.goesOn(50)
			tasks, i := 0, c.inspector()
			for tasks < size(2, 50) && c.runs() {
				n, err := meddle(c, i)
				if err != nil {
					t.Fatal(err)
				}
				tasks += n
			}
			c.unbroken(0)
			t.Logf("%d tasks were %s", tasks, name)
			if tasks == 0 {
				t.Error("there was no task to be had")
			}
		})
	}
}

// eachPending does something to each visit that waits in the queue, and counts
// those that waited still.
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
