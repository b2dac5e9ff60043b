package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// refs returns n visits.
func refs(n int) []queue.VisitRef {
	all := make([]queue.VisitRef, n)
	for i := range all {
		all[i] = ref(i + 1)
	}
	return all
}

// known waits until the dispatcher knows of one worker.
func (w *queueTest) known(places int) {
	w.t.Helper()
	w.waitCapacity(places)
	if n, err := w.Capacity(w.queue); n != places || err != nil {
		w.t.Fatalf("the capacity is %d (%v), want %d", n, err, places)
	}
}

func TestManyVisitsOfOneWorkerAreOneTask(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		w := newQueueTest(t, url)
		got, together := newVisitChannel(), make(chan struct{})
		var begun sync.WaitGroup
		begun.Add(3)
		go func() { begun.Wait(); close(together) }()
		w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
			begun.Done()
			<-together // all visits of a task run at the same time
			report, err := got.handle(ctx, v, drain)
			switch v.Host {
			case ref(1).Host:
				panic("no bread either")
			case ref(2).Host:
				err = fmt.Errorf("%s is out of cheese", v.Host)
			}
			return report, err
		}, wire.ServerConfig{Concurrency: 7})
		w.known(7)
		w.enqueue(refs(3)...)
		ids, hosts := make(map[string]int), []crawler.Host(nil)
		for range 3 {
			v := <-got
			ids[v.id]++
			hosts = append(hosts, v.Host)
			if v.Job != w.queue || v.Epoch != 1 || v.Run != w.job.Created.UnixMilli() {
				t.Errorf("the visit is %+v", v)
			}
		}
		slices.Sort(hosts)
		if !slices.Equal(hosts, []crawler.Host{ref(1).Host, ref(2).Host, ref(3).Host}) || len(ids) != 1 {
			t.Errorf("tasks %v have the visits of %v, want one task with all three", ids, hosts)
		}
		for id := range ids {
			for w.task(id).State == asynq.TaskStateActive {
			}
			info := w.wantState(id, asynq.TaskStateArchived) // because of the second visit
			for _, want := range []string{"no bread either", "out of cheese"} {
				if !strings.Contains(info.LastErr, want) {
					t.Errorf("the error is %q, want it to contain %q", info.LastErr, want)
				}
			}
			var result struct{ Visits []queue.Report }
			if err := json.Unmarshal(info.Result, &result); err != nil || len(result.Visits) != 3 ||
				result.Visits[2].Host != ref(3).Host {
				t.Errorf("the result is %s (%v), want a report of each visit in order", info.Result, err)
			}
		}
	})
}

// fewPlaces has places for so many visits, and no limit on tasks.
type fewPlaces struct {
	mu       sync.Mutex
	reserved int // places taken by further visits
	most     int
}

func (p *fewPlaces) Before(context.Context, string) bool   { return true }
func (p *fewPlaces) After(string, bool)                    {}
func (p *fewPlaces) Failed(context.Context, string, error) {}
func (p *fewPlaces) Finished(string)                       {}
func (p *fewPlaces) Begin(string) (end func())             { return func() {} }
func (p *fewPlaces) Reserve(_ string, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = min(n, p.most-p.reserved)
	p.reserved += n
	return n
}

func (p *fewPlaces) Release(string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reserved--
}

func TestVisitsOfATaskThatFindNoPlaceReturnToTheQueue(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		w := newQueueTest(t, url)
		places, got := &fewPlaces{most: 2}, newVisitChannel()
		release := make(chan struct{})
		shut := w.serve(func(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
			defer func() { <-release }()
			return got.handle(ctx, v, drain)
		}, wire.ServerConfig{Concurrency: 9, Places: places})
		w.known(9)
		w.enqueue(refs(8)...)
		tasks := make(map[string][]crawler.Host)
		// Of the first task three visits begin. The others return as one task, of which, as no
		// place is left, one begins, and so on.
		for range 8 {
			v := <-got
			tasks[v.id] = append(tasks[v.id], v.Host)
		}
		close(release)
		shut()
		sizes := []int(nil)
		for _, hosts := range tasks {
			sizes = append(sizes, len(hosts))
		}
		slices.Sort(sizes)
		if !slices.Equal(sizes, []int{1, 1, 1, 1, 1, 3}) {
			t.Errorf("the tasks have the visits %v, want one of three and five of one", tasks)
		}
		if places.reserved != 0 {
			t.Errorf("%d places are still taken", places.reserved)
		}
	})
}
