package trawl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/tasks"
)

// Result is one URL as sinks get it: its record, and the items of its handlers as they were
// emitted.
type Result struct {
	crawler.Record
	// Emitted are the values that handlers passed to [Page.Emit], in order. The record's
	// Items are the same values as JSON.
	Emitted []any
}

// brought are the sets of handlers that a program provides to its worker.
type brought struct {
	sets   map[string]*Handlers
	client *tasks.Client
	log    *slog.Logger
	handle func(job string) (returned func()) // counts calls of handlers; nil to count none
}

var setName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// gather validates sets of handlers, and checks that their names are unique.
func gather(sets []*Handlers) (map[string]*Handlers, error) {
	byName := make(map[string]*Handlers, len(sets))
	for i, h := range sets {
		switch {
		case h == nil:
			return nil, fmt.Errorf("handlers: set %d is nil: make it with trawl.NewHandlers%s", i+1, calledAt())
		case h.err != nil:
			return nil, h.err
		case !setName.MatchString(h.name):
			return nil, fmt.Errorf("handlers: %q is not a valid name: want 1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen", h.name)
		case byName[h.name] != nil:
			return nil, fmt.Errorf("handlers: two sets have the name %q", h.name)
		}
		byName[h.name] = h
	}
	return byName, nil
}

// Has reports whether all of these sets exist.
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

// For returns the handlers of a job, which must exist.
func (b *brought) For(job crawler.Status) visit.Handlers {
	named := &named{handle: b.handle, deliverer: &deliverer{job: job, client: b.client, log: b.log}}
	for _, name := range job.Job.Handlers {
		named.sets = append(named.sets, b.sets[name])
	}
	return named
}

// named are the sets that a job names.
type named struct {
	sets      []*Handlers
	deliverer *deliverer
	handle    func(job string) (returned func()) // may be nil
}

// Handle passes a page to each set.
func (n *named) Handle(ctx context.Context, h visit.HandlerPage) (visit.Yield, error) {
	if n.handle != nil {
		defer n.handle(h.Job)()
	}
	p := newPage(ctx, h, n.deliverer)
	defer p.end()
	for _, set := range n.sets {
		if err := set.run(ctx, p); err != nil {
			return visit.Yield{}, err
		}
	}
	return p.result(), nil
}

// Deliver passes results to the sinks, and then does what the handlers want done.
func (n *named) Deliver(ctx context.Context, results []*fetched.Result) error {
	if err := n.keep(ctx, results); err != nil {
		return &visit.SinkError{Err: err}
	}
	for _, r := range results {
		o, ok := r.Outbox.(outbox)
		if !ok {
			continue
		}
		if err := n.deliverer.carryOut(ctx, r.Entry.URL, o); err != nil {
			return fmt.Errorf("%s: %w", r.Entry.URL, err)
		}
	}
	return nil
}

func (n *named) keep(ctx context.Context, results []*fetched.Result) error {
	var all []Result // created when a sink needs them
	for _, set := range n.sets {
		for _, sink := range set.sinks {
			if all == nil {
				all = resultsOf(results)
			}
			err := call(ctx, sink, all)
			if panicked := new(PanicError); errors.As(err, &panicked) {
				n.deliverer.log.Error("a sink panicked", "job", n.deliverer.job.Job.Name, "handlers", set.name,
					"panic", fmt.Sprint(panicked.Value), "stack", string(panicked.Stack))
			}
			if err != nil {
				return fmt.Errorf("sink of handlers %s: %w", set.name, err)
			}
		}
	}
	return nil
}

// PanicError is the error of a sink that panicked.
type PanicError struct {
	// Value is what the sink called panic with.
	Value any
	// Stack is the stack of its goroutine, as [debug.Stack] writes it.
	Stack []byte
}

// Error returns the value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("it panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// call calls a sink, in a goroutine that the sink may end. A panic is an error, and so is
// ending the goroutine.
func call(ctx context.Context, sink SinkFunc, results []Result) error {
	done := make(chan struct{})
	err := errors.New("it ended its goroutine (runtime.Goexit)")
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				err = &PanicError{r, debug.Stack()}
			}
		}()
		err = sink(ctx, results)
	}()
	<-done
	return err
}

func resultsOf(results []*fetched.Result) []Result {
	all := make([]Result, len(results))
	for i, r := range results {
		all[i].Record = r.Record(false)
		for _, item := range r.Items {
			all[i].Emitted = append(all[i].Emitted, item.Value)
		}
	}
	return all
}

// lacking returns an error that names the sets that a job needs and the program lacks.
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
	return fmt.Errorf("job %q: %w: %s", job.Name, ErrNoHandlers, strings.Join(lacks, ", "))
}
