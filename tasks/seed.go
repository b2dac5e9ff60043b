package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

const (
	seedBatch = 500 // URLs admitted at once
	holdTerm  = 30 * time.Second
	holdEvery = 5 * time.Second
	seedShow  = 500 * time.Millisecond // between two calls of progress
	seedFlush = 200 * time.Millisecond // how long a URL waits for others
	// knownHomes is how many hosts a seeder remembers as homes, which takes some megabytes.
	// It then forgets them all, and adds them again when they occur.
	knownHomes = 50_000
)

// seeder adds a list of URLs to a job.
type seeder struct {
	store      *frontier.Store
	job        crawler.Job
	priorities rules.PriorityRules
	holder     string

	closed bool // the seeds open no ports

	mu    sync.Mutex
	sum   crawler.Seeding
	homes map[crawler.Host]bool // hosts already added as homes
	ports map[string]bool       // ports already open
	err   error
}

// seeders counts the seeders of this process.
var seeders atomic.Int64

// Seed adds URLs to a job that has not ended. The job does not end meanwhile. Each string
// is a URL, or a seed with a priority in the form of [seedfile.Seed] ([seedfile.Prioritized]
// gives all lines of a list one). Adding a URL again changes nothing, not even its
// priority. An empty string is a line without a URL. A string that is not a URL is counted
// as refused, and so is a line with a [seedfile.LineError]; the first refusals are listed
// with their reasons. Any other error of the list ends the seeding after the lines before
// it are admitted. The error wraps [queue.ErrNoJob] or [queue.ErrJobEnded] if the job
// takes no seeds, even if it ends meanwhile. progress, unless nil, is called now and then.
// The job may connect to the ports of the seeds.
func (c *Client) Seed(ctx context.Context, job string, urls iter.Seq2[string, error],
	progress func(crawler.Seeding)) (crawler.Seeding, error) {
	return bring(ctx, c.store, job, urls, false, progress)
}

// SeedClosed is Seed for clients that may use the API but are not operators: the seeds open
// no ports.
func (c *Client) SeedClosed(ctx context.Context, job string, urls iter.Seq2[string, error],
	progress func(crawler.Seeding)) (crawler.Seeding, error) {
	return bring(ctx, c.store, job, urls, true, progress)
}

func bring(ctx context.Context, store *frontier.Store, job string, urls iter.Seq2[string, error], closed bool,
	progress func(crawler.Seeding)) (crawler.Seeding, error) {
	s := &seeder{
		store: store, closed: closed, homes: make(map[crawler.Host]bool), ports: make(map[string]bool),
		holder: fmt.Sprintf("%d-%d-%d", os.Getpid(), seeders.Add(1), time.Now().UnixNano()),
	}
	if err := s.begin(ctx, job); err != nil {
		return crawler.Seeding{}, err
	}
	defer func() { _ = store.LetGo(context.WithoutCancel(ctx), job, s.holder) }()
	return s.run(ctx, urls, progress)
}

// begin holds the job, if it takes seeds.
func (s *seeder) begin(ctx context.Context, job string) error {
	status, err := s.takesSeeds(ctx, job)
	if err != nil {
		return err
	}
	s.job = status.Job
	if s.priorities, err = rules.NewPriorityRules(s.job.Priorities); err != nil {
		return fmt.Errorf("job %s: %w", job, err)
	}
	return s.store.Hold(ctx, job, s.holder, holdTerm)
}

func (s *seeder) takesSeeds(ctx context.Context, job string) (crawler.Status, error) {
	status, err := s.store.Status(ctx, job)
	if err == nil && status.State.Ended() {
		err = ended(status)
	}
	return status, err
}

// run reads the list, and admits it with several goroutines.
func (s *seeder) run(ctx context.Context, urls iter.Seq2[string, error],
	progress func(crawler.Seeding)) (crawler.Seeding, error) {
	working, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan []line)
	var admitting, holding sync.WaitGroup
	holding.Go(func() { s.hold(working, stop, progress) })
	for range runtime.GOMAXPROCS(0) {
		admitting.Go(func() { s.admit(working, stop, batches) })
	}
	s.read(working, urls, batches)
	admitting.Wait()
	stop()
	holding.Wait()
	if s.err == nil {
		s.err = ctx.Err()
	}
	if s.err == nil {
		s.err = s.end(ctx)
	}
	return s.sum, s.err
}

// end records that all seeds are admitted. A job that ended between begin and its hold, or
// that was ended meanwhile, does not fetch them.
func (s *seeder) end(ctx context.Context) error {
	if _, err := s.takesSeeds(ctx, s.job.Name); err != nil {
		return err
	}
	return s.store.Seeded(ctx, s.job.Name, true)
}

// line is one line of a list.
type line struct {
	number int64
	text   string
}

// read divides the list into batches. If the list pauses, the lines so far are sent.
func (s *seeder) read(ctx context.Context, urls iter.Seq2[string, error], batches chan<- []line) {
	defer close(batches)
	c := &cutter{batches: batches}
	reading, read := context.WithCancel(ctx)
	var flushing sync.WaitGroup
	flushing.Go(func() { c.flushEvery(ctx, reading, seedFlush) })
	defer flushing.Wait()
	defer read()
	number := int64(0)
	for text, err := range urls {
		if bad, ok := seedfile.AsLineError(err); ok {
			number++
			s.note(0, 0, []crawler.Refusal{{Line: number, URL: bad.Text, Reason: bad.Error()}})
			continue
		}
		if err != nil {
			s.fail(err)
			break
		}
		number++
		if text != "" && !c.add(ctx, line{number, text}) {
			return
		}
	}
	c.flush(ctx)
}

// admit admits batches until there are no more.
func (s *seeder) admit(ctx context.Context, stop func(), batches <-chan []line) {
	frontier := s.store.Frontier(s.job)
	for batch := range batches {
		entries, changed, refusals := s.parse(batch)
		err := s.addHomes(ctx, entries)
		if err == nil && len(changed) > 0 { // what the job does not know of them is admitted below
			_, err = frontier.Changed(ctx, changed, operatorsTrust)
		}
		fresh := 0
		if err == nil {
			fresh, err = frontier.Admit(ctx, entries)
		}
		if fresh > 0 {
			s.store.Tell(ctx, s.job.Name)
		}
		if err != nil {
			s.note(fresh, 0, refusals)
			s.fail(err)
			stop()
			return
		}
		s.note(fresh, len(entries)-fresh, refusals)
	}
}

// operatorsTrust is how far operators are trusted who say that pages have changed.
const operatorsTrust = 1

// errOnce says that pages of a job are fetched once.
var errOnce = errors.New("changed: the job fetches each page once: want a job with recrawl, or crawl again")

// parse returns entries for the lines that are valid seeds, and which of their pages may have changed.
func (s *seeder) parse(batch []line) (entries []queue.Entry, changed []crawler.URL, refusals []crawler.Refusal) {
	entries = make([]queue.Entry, 0, len(batch))
	for _, l := range batch {
		text := l.text
		seed, err := seedfile.ParseSeed(text)
		if err == nil {
			text = seed.URL
			var u crawler.URL
			if u, err = queue.ParseSeed(text); err == nil && seed.Changed {
				if changed = append(changed, u); !s.job.Recrawl.On() {
					err = errOnce
				}
			}
			if err == nil {
				band := s.priorities.Band(u, queue.BandFirst)
				entries = append(entries, queue.Entry{URL: u, Band: queue.BandOf(seed.Priority, band)})
				continue
			}
		}
		refusals = append(refusals, crawler.Refusal{Line: l.number, URL: urltext.HideLogin(text), Reason: err.Error()})
	}
	if !s.job.Recrawl.On() {
		changed = nil
	}
	return entries, changed, refusals
}

// addHomes adds the hosts of seeds to the job's scope. If the scope does not depend on
// hosts, one host for each port is enough. It runs before the seeds are admitted, so that a
// visit to a host can know that it is a home.
func (s *seeder) addHomes(ctx context.Context, entries []queue.Entry) error {
	fresh := s.newHomes(entries)
	if len(fresh) == 0 {
		return nil
	}
	if err := s.store.AddHomes(ctx, s.job.Name, fresh); err != nil {
		return err
	}
	if err := s.openPorts(ctx, queue.Ports(fresh)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.homes) > knownHomes {
		clear(s.homes)
	}
	for _, h := range fresh {
		s.homes[s.homeOf(h)] = true
	}
	return nil
}

// openPorts opens ports, unless the seeds open none.
func (s *seeder) openPorts(ctx context.Context, ports []string) error {
	s.mu.Lock()
	ports = slices.DeleteFunc(ports, func(p string) bool { return s.closed || s.ports[p] })
	s.mu.Unlock()
	if err := s.store.OpenPorts(ctx, s.job.Name, ports); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ports {
		s.ports[p] = true
	}
	return nil
}

// homeOf returns the key under which a host is remembered.
func (s *seeder) homeOf(h crawler.Host) crawler.Host {
	if s.job.Bounded() {
		return h
	}
	return crawler.Host(":" + h.Port())
}

// newHomes returns the hosts that are not remembered as homes, each once.
func (s *seeder) newHomes(entries []queue.Entry) []crawler.Host {
	hosts := make(map[crawler.Host]crawler.Host)
	for _, e := range entries {
		h := e.URL.Host()
		hosts[s.homeOf(h)] = h
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var fresh []crawler.Host
	for home, h := range hosts {
		if !s.homes[home] {
			fresh = append(fresh, h)
		}
	}
	return fresh
}

func (s *seeder) note(fresh, seen int, refusals []crawler.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Admitted += int64(fresh)
	s.sum.Seen += int64(seen)
	for _, r := range refusals {
		queue.Refuse(&s.sum, r)
	}
}

func (s *seeder) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// hold keeps the job from ending, and reports progress. It stops the seeding if the job is
// ended, or the hold cannot be renewed.
func (s *seeder) hold(ctx context.Context, stop func(), progress func(crawler.Seeding)) {
	hold, show := time.NewTicker(holdEvery), time.NewTicker(seedShow)
	defer hold.Stop()
	defer show.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hold.C:
			err := s.store.Hold(ctx, s.job.Name, s.holder, holdTerm)
			if err == nil {
				_, err = s.takesSeeds(ctx, s.job.Name)
			}
			if err != nil && ctx.Err() == nil {
				s.fail(err)
				stop()
				return
			}
		case <-show.C:
			if progress != nil {
				s.mu.Lock()
				sum := s.sum
				s.mu.Unlock()
				progress(sum)
			}
		}
	}
}
