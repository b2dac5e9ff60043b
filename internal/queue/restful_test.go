package queue

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAJobRestsUntilSomeoneChangesIt(t *testing.T) {
	t.Parallel()
	running := func(change func(*crawler.Status)) crawler.Status {
		job := crawler.Status{Job: crawler.DefaultJob(), State: crawler.StateRunning}
		change(&job)
		return job
	}
	for name, c := range map[string]struct {
		job  crawler.Status
		want bool
	}{
		"runs":               {running(func(*crawler.Status) {}), true},
		"is paused":          {running(func(j *crawler.Status) { j.State = crawler.StatePaused }), true},
		"is done":            {running(func(j *crawler.Status) { j.State = crawler.StateDone }), true},
		"was created":        {running(func(j *crawler.Status) { j.State = crawler.StateCreated }), false},
		"is to be cleared":   {running(func(j *crawler.Status) { j.State = crawler.StateCancelled }), false},
		"is closing":         {running(func(j *crawler.Status) { j.Closing = true }), false},
		"is brought seeds":   {running(func(j *crawler.Status) { j.Held = true }), false},
		"ends after a time":  {running(func(j *crawler.Status) { j.Job.Time = time.Hour }), false},
		"is periodic":        {running(func(j *crawler.Status) { j.Job.Schedule = "@hourly" }), false},
		"has an event":       {running(func(j *crawler.Status) { j.Events = 1 }), false},
		"has open files":     {running(func(j *crawler.Status) { j.Awaited = make([]crawler.Awaited, 1) }), true},
		"has left its files": {running(func(j *crawler.Status) { j.Unfinished = make([]crawler.Awaited, 1) }), false},
	} {
		if got := Restful(c.job); got != c.want {
			t.Errorf("a job that %s: got %v, want %v", name, got, c.want)
		}
	}
}
