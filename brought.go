package trawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

// Result is one URL as sinks get it: its record, and the items of its handlers as
// they were emitted.
type Result struct {
	crawler.Record
	// Emitted are the values that handlers gave to [Page.Emit], in their order. The
	// record's Items are the same, as JSON.
	Emitted []any
}

// brought are all sets of handlers that a program brings to its worker.
type brought struct {
	sets   map[string]*Handlers
	client *tasks.Client
	log    *slog.Logger
}

var setName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// gather checks sets of handlers, and that no two have one name.
func gather(sets []*Handlers) (map[string]*Handlers, error) {
	byName := make(map[string]*Handlers, len(sets))
	for _, h := range sets {
		switch {
		case h.err != nil:
			return nil, h.err
		case !setName.MatchString(h.name):
			return nil, fmt.Errorf("handlers: %q is no name: want 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen", h.name)
		case byName[h.name] != nil:
			return nil, fmt.Errorf("handlers: two sets are named %q", h.name)
		}
		byName[h.name] = h
	}
	return byName, nil
}

// Has reports whether all of these are there.
func (b *brought) Has(names []string) bool {
	for _, name := range names {
		if b.sets[name] == nil {
			return false
		}
	}
	return true
}

// Names lists all sets, sorted.
func (b *brought) Names() []string { return slices.Sorted(maps.Keys(b.sets)) }

// For returns the handlers of a job, which are there.
func (b *brought) For(job crawler.Status) crawler.Handlers {
	named := &named{about: &errands{job: job, client: b.client, log: b.log}}
	for _, name := range job.Job.Handlers {
		named.sets = append(named.sets, b.sets[name])
	}
	return named
}

// named are the sets that a job names.
type named struct {
	sets  []*Handlers
	about *errands
}

// Handle gives a page to each set.
func (n *named) Handle(ctx context.Context, h crawler.Handed) (crawler.Yield, error) {
	p := newPage(ctx, h, n.about)
	for _, set := range n.sets {
		if err := set.run(ctx, p); err != nil {
			return crawler.Yield{}, err
		}
	}
	return p.result(), nil
}

// Deliver gives results to the sinks, and carries out what handlers want done.
func (n *named) Deliver(ctx context.Context, results []*crawler.Result) error {
	if err := n.keep(ctx, results); err != nil {
		return fmt.Errorf("%w: %w", crawler.ErrKeep, err)
	}
	for _, r := range results {
		m, ok := r.Mail.(mail)
		if !ok {
			continue
		}
		if err := n.about.carryOut(ctx, r.Entry.URL, m); err != nil {
			return fmt.Errorf("%s: %w", r.Entry.URL, err)
		}
	}
	return nil
}

func (n *named) keep(ctx context.Context, results []*crawler.Result) error {
	var all []Result // written down when somebody wants them
	for _, set := range n.sets {
		for _, sink := range set.sinks {
			if all == nil {
				all = resultsOf(results)
			}
			if err := call(ctx, sink, all); err != nil {
				return fmt.Errorf("sink of handlers %s: %w", set.name, err)
			}
		}
	}
	return nil
}

// call calls a sink. To panic is to fail.
func call(ctx context.Context, sink SinkFunc, results []Result) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked: %v", r)
		}
	}()
	return sink(ctx, results)
}

func resultsOf(results []*crawler.Result) []Result {
	all := make([]Result, len(results))
	for i, r := range results {
		all[i].Record = r.Record(false)
		for _, item := range r.Items {
			all[i].Emitted = append(all[i].Emitted, item.Value)
		}
	}
	return all
}

// lacking names the sets that a job wants and nobody brings.
func (b *brought) lacking(job crawler.Job) error {
	var lacks []string
	for _, name := range job.Handlers {
		if b.sets[name] == nil {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return errors.New("job " + job.Name + " wants handlers that the program does not bring: " + strings.Join(lacks, ", "))
}
