package waiting

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAJobSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	scheduler, alone := Process{Kind: KindScheduler, Name: "s"},
		Process{Kind: KindScheduler, Name: "c", Jobs: []string{"other"}}
	dead := Process{Kind: KindWorker, Name: "d", Silent: true}
	worker, others := Process{Kind: KindWorker, Name: "w"},
		Process{Kind: KindWorker, Name: "o", Jobs: []string{"other"}}
	shop := Process{Kind: KindWorker, Name: "p", Handlers: []string{"shop", "mail"}}
	trouble := crawler.Trouble{Worker: "w", Reason: "the disk is full"}
	busy := crawler.Counters{Due: 3, Ready: 3}
	resting := crawler.Counters{Due: 3}
	for _, c := range []struct {
		sentence string
		change   func(*crawler.Status)
		counters crawler.Counters
		service  Service
		want     WaitReason
		text     string
	}{
		{"a job that is visited works", nil, crawler.Counters{Open: 1}, Service{Processes: []Process{scheduler, worker}},
			"", ""},
		{"a job that is visited by a worker that shows no sign of life", nil, crawler.Counters{Open: 1},
			Service{Processes: []Process{scheduler}, Places: 1}, "", ""},
		{"visits whose worker is gone", nil, crawler.Counters{Open: 1}, Service{Processes: []Process{scheduler}},
			WaitWorker, "no worker runs this job"},
		{"a job whose visits are enqueued works", nil, crawler.Counters{Armed: 2},
			Service{Processes: []Process{scheduler, worker}}, "", ""},
		{"a job that has ended waits for nothing", func(s *crawler.Status) { s.State = crawler.StateDone },
			crawler.Counters{}, Service{}, "", ""},
		{"a job that nobody schedules", nil, busy, Service{Processes: []Process{worker}}, WaitScheduler,
			"trawl scheduler"},
		{"a job that was created and nobody schedules", func(s *crawler.Status) { s.State = crawler.StateCreated },
			crawler.Counters{}, Service{}, WaitScheduler, "trawl scheduler"},
		{"a job that was created and is about to begin", func(s *crawler.Status) { s.State = crawler.StateCreated },
			crawler.Counters{}, Service{Processes: []Process{scheduler}}, "", ""},
		{"a scheduler of another job alone", nil, busy, Service{Processes: []Process{alone, worker}}, WaitScheduler,
			"no scheduler"},
		{"visits that no scheduler will sweep", nil, crawler.Counters{Open: 1}, Service{Processes: []Process{worker}},
			WaitScheduler, "no scheduler"},
		{"a job without a worker", nil, busy, Service{Processes: []Process{scheduler}}, WaitWorker, "trawl worker"},
		{"a job that the workers' --jobs leaves out", nil, busy, Service{Processes: []Process{scheduler, others}},
			WaitWorker, "--jobs news"},
		{"a worker of the periodic job that it is a run of", func(s *crawler.Status) { s.RunOf = "other" }, busy,
			Service{Processes: []Process{scheduler, others}}, "", ""},
		{"a worker that is about to take the job up", nil, busy, Service{Processes: []Process{scheduler, worker}}, "",
			""},
		{"a worker that shows no sign of life and works", nil, busy,
			Service{Processes: []Process{scheduler}, Places: 4}, "", ""},
		{"visits whose only worker was killed", nil, crawler.Counters{Open: 3}, Service{Processes: []Process{scheduler, dead},
			Places: 4}, WaitWorker, "no sign of life"},
		{"visits one of whose workers was killed", nil, crawler.Counters{Open: 3},
			Service{Processes: []Process{scheduler, dead, worker}}, "", ""},
		{"visits whose scheduler was killed", nil, crawler.Counters{Open: 3},
			Service{Processes: []Process{{Kind: KindScheduler, Silent: true}, worker}}, WaitScheduler, "no sign of life"},
		{"a killed worker of other jobs", nil, crawler.Counters{Open: 3},
			Service{Processes: []Process{scheduler, {Kind: KindWorker, Jobs: []string{"other"}, Silent: true}, worker}}, "", ""},
		{"hosts that the only worker may not reach", func(s *crawler.Status) { s.Opens = true }, busy,
			Service{Processes: []Process{scheduler, {Kind: KindWorker, Closed: true}}}, WaitAddresses,
			"--job-addresses"},
		{"hosts that a closed worker reaches by itself", func(s *crawler.Status) { s.Opens = true }, busy,
			Service{Processes: []Process{scheduler, {Kind: KindWorker, Closed: true}}, Places: 3}, "", ""},
		{"a crawl whose command ended", func(s *crawler.Status) { s.Owner = "trawl crawl on vm" }, busy,
			Service{Processes: []Process{scheduler, worker}}, WaitOwner, "trawl crawl on vm"},
		{"a crawl whose command runs", func(s *crawler.Status) { s.Owner = "w" }, busy,
			Service{Processes: []Process{scheduler, worker}}, "", ""},
		{"handlers that no worker has", handled, busy, Service{Processes: []Process{scheduler, worker}}, WaitHandlers,
			"shop"},
		{"handlers that a worker of another job has", handled, busy,
			Service{Processes: []Process{scheduler,
				{Kind: KindWorker, Jobs: []string{"other"}, Handlers: []string{"shop"}}}}, WaitHandlers, "shop"},
		{"handlers that are there", handled, busy, Service{Processes: []Process{scheduler, worker, shop}}, "", ""},
		{"pages to render without a browser", rendered, busy, Service{Processes: []Process{scheduler, worker}}, WaitBrowser,
			"--browser"},
		{"pages to render, with a browser in a worker of another job", rendered, busy, Service{Processes: []Process{scheduler,
			worker, {Kind: KindWorker, Jobs: []string{"other"}, Browser: true}}}, WaitBrowser, "render: auto"},
		{"pages to render and no worker", rendered, busy, Service{Processes: []Process{scheduler}}, WaitWorker,
			"no worker runs this job"},
		{"pages to render with a browser", rendered, busy,
			Service{Processes: []Process{scheduler, worker, {Kind: KindWorker, Name: "b", Browser: true}}}, "", ""},
		{"a job that is paused", func(s *crawler.Status) { s.State = crawler.StatePaused }, busy, Service{}, WaitResume,
			"trawl job resume news"},
		{"a job whose only worker is in trouble", troubled(trouble), busy,
			Service{Processes: []Process{scheduler, worker}}, WaitOutput, "the disk is full"},
		{"a job one of whose workers is in trouble", troubled(trouble), busy,
			Service{Processes: []Process{scheduler, worker, shop}}, "", ""},
		{"a trouble of a worker that is gone", troubled(trouble), busy, Service{Processes: []Process{scheduler, shop}},
			"", ""},
		{"a job that waits for seeds", nil, crawler.Counters{}, Service{Processes: []Process{scheduler, worker}},
			WaitSeeds, "trawl seed news"},
		{"a job that is brought seeds", func(s *crawler.Status) { s.Held = true }, crawler.Counters{},
			Service{Processes: []Process{scheduler, worker}}, WaitSeeds, "being added"},
		{"a job that is done in a moment", func(s *crawler.Status) { s.Seeded = true }, crawler.Counters{},
			Service{Processes: []Process{scheduler, worker}}, "", ""},
		{"hosts that rest", nil, resting, Service{Processes: []Process{scheduler, worker}, Due: now.Add(time.Hour)},
			WaitHosts, "2027-01-15T09:00:00Z"},
		{"hosts between two visits", nil, resting,
			Service{Processes: []Process{scheduler, worker}, Due: now.Add(time.Second)}, "", ""},
		{"hosts that are paused", nil, resting, Service{Processes: []Process{scheduler, worker}, Due: Never}, WaitHosts,
			"trawl host set news HOST --resume"},
		{"output that is on its way", func(s *crawler.Status) { s.Closing = true }, crawler.Counters{Unshipped: 3},
			Service{Processes: []Process{scheduler}}, WaitOutput, "3 records are on their way"},
		{"a broken job", func(s *crawler.Status) { s.State = crawler.StateBroken }, crawler.Counters{}, Service{}, "",
			""},
		{"a budget that is spent", func(s *crawler.Status) { s.Ending = "pages" }, resting,
			Service{Processes: []Process{scheduler, worker}, Due: Never}, "", ""},
		{"a periodic job between two runs", func(s *crawler.Status) { s.Job.Schedule = "@daily" }, crawler.Counters{},
			Service{Processes: []Process{scheduler}}, "", ""},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			t.Parallel()
			s := crawler.Status{Job: crawler.Job{Name: "news"}, State: crawler.StateRunning, Now: now}
			if c.change != nil {
				c.change(&s)
			}
			got := WaitsFor(s, c.counters, c.service)
			if got.For != c.want || !strings.Contains(got.Text, c.text) || (got.For == "") != (got.Text == "") {
				t.Errorf("it waits for %q: %q, want %q: … %q …", got.For, got.Text, c.want, c.text)
			}
			if got.For != "" && !slices.Contains(WaitReasons, got.For) {
				t.Errorf("%q is not among the reasons", got.For)
			}
		})
	}
}

func rendered(s *crawler.Status) { s.Job.Render = crawler.RenderAuto }

func handled(s *crawler.Status) { s.Job.Handlers = []string{"shop"} }

func troubled(all ...crawler.Trouble) func(*crawler.Status) {
	return func(s *crawler.Status) { s.Troubles = all }
}
