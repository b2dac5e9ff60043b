package tasks

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

const (
	seedBatch = 500 // URLs admitted at once
	holdTerm  = 30 * time.Second
	holdEvery = 5 * time.Second
	seedShow  = 500 * time.Millisecond // between two calls of progress
	seedFlush = 200 * time.Millisecond // for how long a URL waits for others
	// knownHomes is how many hosts a seeder remembers to have made homes: some
	// megabytes. It then forgets them all, and makes them homes again.
	knownHomes = 50_000
)

// seeder brings a list of URLs to a job.
type seeder struct {
	store      *frontier.Store
	job        crawler.Job
	priorities crawler.PriorityRules
	holder     string

	mu    sync.Mutex
	sum   crawler.Seeding
	homes map[crawler.Host]bool // that are known as homes
	err   error
}

// seeders counts the seeders of this process.
var seeders atomic.Int64

// Seed brings URLs to a job that has not ended; the job does not end while it
// does. Each string is a URL, or a seed with a priority as [crawler.Seed] writes it
// ([crawler.Prioritized] gives all of a list one). Bringing the same again changes
// nothing, the priority included. An empty string is a line without a URL. What is no
// URL is counted and,
// at first, listed with its reason; an error of the list ends the seeding, after
// what came before it is in. It returns an error that wraps [crawler.ErrNoJob] or
// [crawler.ErrJobEnded] where the job takes no seeds, also when somebody ends it
// meanwhile. progress, unless nil, is called now and then.
func (c *Client) Seed(ctx context.Context, job string, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
	return bring(ctx, c.store, job, urls, progress)
}

func bring(ctx context.Context, store *frontier.Store, job string, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
	s := &seeder{
		store: store, homes: make(map[crawler.Host]bool),
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
	if s.priorities, err = crawler.NewPriorityRules(s.job.Priorities); err != nil {
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

// run reads the list, and admits it from several goroutines.
func (s *seeder) run(ctx context.Context, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
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

// end notes that the seeds are in. A job that ended between begin and its hold, or
// that somebody ended, does not fetch them.
func (s *seeder) end(ctx context.Context) error {
	if _, err := s.takesSeeds(ctx, s.job.Name); err != nil {
		return err
	}
	return s.store.Seeded(ctx, s.job.Name, true)
}

// line is one URL of a list.
type line struct {
	number int64
	text   string
}

// read cuts the list into batches. What came of a list that pauses is sent
// nevertheless.
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
		entries, refusals := s.parse(batch)
		err := s.addHomes(ctx, entries)
		fresh := 0
		if err == nil {
			fresh, err = frontier.Admit(ctx, entries)
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

// parse makes entries of the lines that are seeds.
func (s *seeder) parse(batch []line) ([]crawler.Entry, []crawler.Refusal) {
	entries := make([]crawler.Entry, 0, len(batch))
	var refusals []crawler.Refusal
	for _, l := range batch {
		text := l.text
		seed, err := crawler.ParseSeed(text)
		if err == nil {
			text = seed.URL
			var u crawler.URL
			if u, err = crawler.ParseBare(text); err == nil {
				band := s.priorities.Band(u, crawler.BandFirst)
				entries = append(entries, crawler.Entry{URL: u, Band: seed.Priority.Band(band)})
				continue
			}
		}
		refusals = append(refusals, crawler.Refusal{Line: l.number, URL: crawler.HideLogin(text), Reason: err.Error()})
	}
	return entries, refusals
}

// addHomes makes the hosts of seeds part of the job's scope. Where that does not
// go by hosts, one of each port is enough. It is done before they are admitted,
// so that who visits a host can know that it is a home.
func (s *seeder) addHomes(ctx context.Context, entries []crawler.Entry) error {
	fresh := s.newHomes(entries)
	if len(fresh) == 0 {
		return nil
	}
	if err := s.store.AddHomes(ctx, s.job.Name, fresh); err != nil {
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

// homeOf is what a host is remembered by.
func (s *seeder) homeOf(h crawler.Host) crawler.Host {
	if s.job.Bounded() {
		return h
	}
	return crawler.Host(":" + h.Port())
}

// newHomes returns the hosts that are not known as homes, each once.
func (s *seeder) newHomes(entries []crawler.Entry) []crawler.Host {
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
		s.sum.Refuse(r)
	}
}

func (s *seeder) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// hold keeps the job from ending, and shows how far the list is. It stops the
// seeding when somebody ends the job, or the hold can not be kept.
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
