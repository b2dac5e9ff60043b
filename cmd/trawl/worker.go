package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// workerCommand runs a worker of a fleet.
func workerCommand() *cobra.Command {
	p := processSettings{Listen: "127.0.0.1:9091"}
	s := defaultSettings()
	var jobs []string
	var name string
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the visits of a fleet's jobs",
		Long: `Worker fetches, parses and keeps the pages of every job that runs in the fleet, each
in a folder of its own under --out. It takes up jobs that begin and lets go of those that
end. With SIGTERM it finishes what is under way, gives the rest back, and ends within ten
seconds.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := s.check(); err != nil {
				return err
			}
			if s.Out == "" {
				return usage("no --out: name the folder for the results")
			}
			return p.run(cmd.Context(), func(ctx context.Context, f *fleetDoor) error {
				return runWorker(ctx, f, s, name, jobs)
			})
		},
	}
	flags := cmd.Flags()
	p.register(flags)
	flags.StringVar(&s.Out, "out", "", "folder of the results; each job has one of its own in it")
	flags.IntVar(&s.Concurrency, "concurrency", s.Concurrency, "most hosts visited at once")
	s.registerReach(flags)
	flags.StringSliceVar(&jobs, "jobs", nil, "only these jobs (default: all)")
	flags.StringVar(&name, "name", defaultWorkerName(), "name of the worker, in records and file names; no two may share one")
	return cmd
}

// defaultWorkerName tells this process from the others of the fleet.
func defaultWorkerName() string { return fmt.Sprintf("%s-%d", hostName(), os.Getpid()) }

// worker keeps a station for each job that runs.
type worker struct {
	door     *fleetDoor
	settings settings
	only     []string // the jobs that it serves; all when empty
	workshop *workshop
	stations map[string]*station
	rests    map[string]time.Time     // until when jobs are left to others whose pages could not be kept
	known    map[string]bool          // jobs that were taken up and not removed since
	leaving  map[string]chan struct{} // jobs that are being let go of; closed when they are
	retiring sync.WaitGroup
}

// roundEvery is how often a worker looks which jobs there are. What it is told
// by them takes effect within two seconds.
const roundEvery = 500 * time.Millisecond

func runWorker(ctx context.Context, door *fleetDoor, s settings, name string, jobs []string) error {
	if err := os.MkdirAll(s.Out, 0o755); err != nil {
		return failed("the output folder %q can not be made: %v", s.Out, err)
	}
	shop, err := newWorkshop(s, door.store, door.asynq, name, "", door.registry, door.log)
	if err != nil {
		return err
	}
	defer shop.close()
	w := &worker{
		door: door, settings: s, only: jobs, workshop: shop,
		stations: make(map[string]*station), leaving: make(map[string]chan struct{}),
		rests: make(map[string]time.Time), known: make(map[string]bool),
	}
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	go killOnSecond(hard, kill, secondInterrupt(ctx))
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		w.round(ctx, hard)
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.retireAll()
			return nil
		}
	}
}

// round takes up jobs that run and lets go of the others. ctx ends when the
// worker is to end, hard when its visits must.
func (w *worker) round(ctx, hard context.Context) {
	all, err := w.door.store.Statuses(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.door.complain("the worker can not see the jobs", err)
		}
		return // visits go on: each finds out for itself
	}
	there, runs := make(map[string]bool, len(all)), make(map[string]bool, len(all))
	for _, job := range all {
		name := job.Job.Name
		there[name] = true
		if job.State != crawler.StateRunning || len(w.only) > 0 && !slices.Contains(w.only, name) {
			continue
		}
		if st := w.stations[name]; st != nil && !st.job.Created.Equal(job.Created) {
			continue // another job of the name: first let go of the old one
		}
		runs[name] = true
		w.serve(hard, job)
	}
	for name := range w.stations {
		if !runs[name] {
			w.retire(name)
		}
	}
	w.door.ready.keep(runs)
	w.forget(there)
}

// forget drops what is remembered of jobs that were removed.
func (w *worker) forget(there map[string]bool) {
	for name := range w.known {
		if !there[name] {
			delete(w.known, name)
			delete(w.rests, name)
			w.leaves(name)
			w.workshop.meters.forget(name)
		}
	}
}

// restTerm is for how long a job is left to other workers after its pages could
// not be kept here: each try fetches pages in vain.
const restTerm = 5 * time.Second

// serve sees to it that a running job has a station that knows its budgets.
func (w *worker) serve(hard context.Context, job crawler.Status) {
	name := job.Job.Name
	st := w.stations[name]
	if st != nil && st.broken.Load() {
		w.rests[name] = time.Now().Add(restTerm)
		w.retire(name)
		return
	}
	if st == nil {
		if time.Now().Before(w.rests[name]) || w.leaves(name) {
			return
		}
		var err error
		if st, err = w.take(hard, job); err != nil {
			w.door.ready.set(name, err)
			w.door.complain("the job can not be taken up", err, "job", name)
			return
		}
		w.door.ready.set(name, nil)
		w.stations[name], w.known[name] = st, true
	}
	if job.Ending != "" {
		st.stop()
	}
	if err := st.widen(hard); err != nil {
		w.door.complain("the job's scope can not be read", err, "job", name)
	}
}

// take sets up a station for a job, with its results in a folder of its own.
func (w *worker) take(hard context.Context, job crawler.Status) (*station, error) {
	seeds, err := job.Job.SeedEntries()
	if err != nil {
		return nil, err
	}
	var home []crawler.Host
	for _, e := range seeds {
		home = append(home, e.URL.Host())
	}
	dir := filepath.Join(w.settings.Out, job.Job.Name)
	out, err := openOutput(job.Job, dir, sink.Options{Worker: w.workshop.name, Log: w.door.log})
	if err != nil {
		return nil, err
	}
	if w.rests[job.Job.Name] != (time.Time{}) {
		if err := writable(dir); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	st, err := w.workshop.newStation(job, home, out, func(_ crawler.Report, err error) {
		if errors.Is(err, crawler.ErrKeep) {
			w.door.ready.set(job.Job.Name, err)
		}
	})
	if err != nil {
		return nil, err
	}
	if err = st.widen(hard); err == nil {
		err = st.open(hard)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	w.door.log.Info("takes up a job", "job", job.Job.Name)
	return st, nil
}

// writable finds out whether there is room in a folder for the pages of a visit.
func writable(dir string) (err error) {
	const room = 1 << 20
	file, err := os.CreateTemp(dir, ".room-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	_, err = file.Write(make([]byte, room))
	return err
}

// retire lets go of a job, in the background: its visits end meanwhile.
func (w *worker) retire(name string) {
	st := w.stations[name]
	delete(w.stations, name)
	done := make(chan struct{})
	w.leaving[name] = done
	w.retiring.Go(func() {
		defer close(done)
		if err := st.close(); err != nil {
			w.door.log.Error("a job's results could not be closed", "job", name, "error", err)
		}
		w.door.log.Info("let go of a job", "job", name)
	})
}

// leaves reports whether a job is still being let go of: its results are open.
func (w *worker) leaves(name string) bool {
	select {
	case <-w.leaving[name]:
		delete(w.leaving, name)
	default:
	}
	return w.leaving[name] != nil
}

// retireAll lets go of all jobs and waits for it.
func (w *worker) retireAll() {
	for name := range w.stations {
		w.retire(name)
	}
	w.retiring.Wait()
}
