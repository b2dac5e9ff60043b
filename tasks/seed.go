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
)

const (
	seedBatch = 500 // URLs admitted at once
	holdTerm  = 30 * time.Second
	holdEvery = 5 * time.Second
	seedShow  = 500 * time.Millisecond // between two calls of progress
)

// seeder brings a list of URLs to a job.
type seeder struct {
	client *Client
	job    crawler.Status
	holder string

	mu    sync.Mutex
	sum   crawler.Seeding
	hosts map[crawler.Host]bool // that are known as homes
	err   error
}

// seeders counts the seeders of this process.
var seeders atomic.Int64

// Seed brings URLs to a job that has not ended; the job does not end while it
// does. Bringing the same again changes nothing. An empty string is a line
// without a URL. What is no URL is counted and,
// at first, listed with its reason; an error of the list ends the seeding, after
// what came before it is in. progress, unless nil, is called now and then.
func (c *Client) Seed(ctx context.Context, job string, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return crawler.Seeding{}, err
	}
	if status.State.Ended() {
		return crawler.Seeding{}, fmt.Errorf("job %q: %w", job, crawler.ErrJobEnded)
	}
	s := &seeder{
		client: c, job: status, hosts: make(map[crawler.Host]bool),
		holder: fmt.Sprintf("%d-%d-%d", os.Getpid(), seeders.Add(1), time.Now().UnixNano()),
	}
	return s.run(ctx, urls, progress)
}

// run reads the list, and admits it from several goroutines.
func (s *seeder) run(ctx context.Context, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
	store, name := s.client.store, s.job.Job.Name
	if err := store.Hold(ctx, name, s.holder, holdTerm); err != nil {
		return s.sum, err
	}
	defer func() { _ = store.LetGo(context.WithoutCancel(ctx), name, s.holder) }()
	working, stop := context.WithCancel(ctx)
	batches := make(chan []line)
	var admitting, holding sync.WaitGroup
	holding.Go(func() { s.hold(working, progress) })
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
		s.err = store.Seeded(ctx, name, true)
	}
	return s.sum, s.err
}

// line is one URL of a list.
type line struct {
	number int64
	text   string
}

// read cuts the list into batches.
func (s *seeder) read(ctx context.Context, urls iter.Seq2[string, error], batches chan<- []line) {
	defer close(batches)
	var batch []line
	send := func() bool {
		select {
		case batches <- batch:
			batch = nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	number, last := int64(0), time.Now()
	for text, err := range urls {
		if err != nil {
			s.fail(err)
			break
		}
		number++
		if text != "" {
			batch = append(batch, line{number, text})
		}
		if len(batch) == seedBatch || len(batch) > 0 && time.Since(last) > seedShow {
			if !send() {
				return
			}
			last = time.Now()
		}
	}
	if len(batch) > 0 {
		send()
	}
}

// admit admits batches until there are no more.
func (s *seeder) admit(ctx context.Context, stop func(), batches <-chan []line) {
	frontier := s.client.store.Frontier(s.job.Job)
	for batch := range batches {
		entries, refusals := parseLines(batch)
		err := s.addHomes(ctx, entries)
		fresh := 0
		if err == nil {
			fresh, err = frontier.Admit(ctx, entries)
		}
		s.note(fresh, len(entries)-fresh, refusals)
		if err != nil {
			s.fail(err)
			stop()
			return
		}
	}
}

func parseLines(batch []line) ([]crawler.Entry, []crawler.Refusal) {
	entries := make([]crawler.Entry, 0, len(batch))
	var refusals []crawler.Refusal
	for _, l := range batch {
		u, err := crawler.ParseURL(l.text)
		if err != nil {
			refusals = append(refusals, crawler.Refusal{Line: l.number, URL: l.text, Reason: err.Error()})
			continue
		}
		entries = append(entries, crawler.Entry{URL: u, Band: crawler.BandFirst})
	}
	return entries, refusals
}

// addHomes makes the hosts of seeds part of the job's scope, where that goes by
// the hosts of seeds.
func (s *seeder) addHomes(ctx context.Context, entries []crawler.Entry) error {
	if s.job.Job.Scope == crawler.ScopeAny {
		return nil
	}
	var fresh []crawler.Host
	s.mu.Lock()
	for _, e := range entries {
		if h := e.URL.Host(); !s.hosts[h] {
			s.hosts[h] = true
			fresh = append(fresh, h)
		}
	}
	s.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	return s.client.store.AddHomes(ctx, s.job.Job.Name, fresh)
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

// hold keeps the job from ending, and shows how far the list is.
func (s *seeder) hold(ctx context.Context, progress func(crawler.Seeding)) {
	hold, show := time.NewTicker(holdEvery), time.NewTicker(seedShow)
	defer hold.Stop()
	defer show.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hold.C:
			if err := s.client.store.Hold(ctx, s.job.Job.Name, s.holder, holdTerm); err != nil && ctx.Err() == nil {
				s.fail(err)
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
