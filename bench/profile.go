package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/bench/redisinfo"
)

// profiled are the corpora that show where it goes, by name: one of large pages
// with many links, and one of small pages with more text.
var profiled = []string{"openjdk-17-doc", "postgresql-doc-15"}

// tableLines is how many lines a table of a profile has at most.
const tableLines = 10

// insight is where it goes in a crawl of a corpus.
type insight struct {
	corpus   string
	trials   []trial // the crawls with --profile
	profiles profiles
	stacks   stacks
	commands redisinfo.Commands
	calls    []syscalls
	uncalled string // why there are no calls; "" when there are
}

// runProfile looks into a crawl of each corpus and writes down what it saw.
func runProfile(ctx context.Context, o options, t *tools, temp string) error {
	told, err := measureProfile(ctx, o, t, temp)
	if err != nil {
		return err
	}
	fmt.Print("\n" + told)
	if o.write {
		return writeInto("README.md", "profile", told)
	}
	return nil
}

// measureProfile looks into the crawls, and returns the text for README.md.
func measureProfile(ctx context.Context, o options, t *tools, temp string) (string, error) {
	var absent []string
	some, err := pick(corpora, profiledOf(o.corpora), func(c corpus) string { return c.name }, corpus.ready, &absent)
	if err != nil {
		return "", err
	}
	slices.SortFunc(some, func(x, y corpus) int {
		return slices.Index(profiled, x.name) - slices.Index(profiled, y.name)
	})
	a := newArena(o, t, temp)
	before, began := load(), time.Now()
	var all []insight
	for _, c := range some {
		seen, err := a.look(ctx, c, o.rounds)
		if err != nil {
			return "", fmt.Errorf("profile of %s: %w", c.name, err)
		}
		all = append(all, seen)
	}
	b := new(strings.Builder)
	fmt.Fprintf(b, "%s, %s; %s. Load average %s before, %s after. Crawls with profiles: %d.\n",
		began.Format("2 January 2006"), machine(), versions(t, []string{"trawl-redis"}), before, load(), o.rounds)
	for _, one := range all {
		b.WriteString("\n" + one.markdown())
	}
	for _, line := range absent {
		fmt.Fprintf(b, "\nWithout figures: %s.\n", line)
	}
	return b.String(), nil
}

// profiledOf are those of the wanted corpora that are profiled.
func profiledOf(wanted string) string {
	names := strings.Split(wanted, ",")
	return strings.Join(slices.DeleteFunc(slices.Clone(profiled), func(name string) bool {
		return !slices.Contains(names, name)
	}), ",")
}

// look crawls a corpus with --profile, as often as there are rounds, and again under
// strace, which makes each system call dearer and would spoil the profile.
func (a *arena) look(ctx context.Context, c corpus, rounds int) (insight, error) {
	fmt.Fprintf(os.Stderr, "checking the links of %s\n", c.name)
	seen := insight{corpus: c.name, profiles: profiles{}, commands: redisinfo.Commands{}}
	if err := a.learn(ctx, c); err != nil {
		return seen, err
	}
	for round := range rounds {
		t := a.try(ctx, c, seen.profiler(), 0)
		if err := errors.Join(ctx.Err(), t.trouble()); err != nil {
			return seen, err
		}
		t.print(round + 1)
		seen.trials = append(seen.trials, t)
	}
	var err error
	if seen.stacks, err = seen.profiles.add(); err != nil {
		return seen, err
	}
	if err := installed("strace", "strace"); err != nil {
		seen.uncalled = err.Error()
		return seen, nil
	}
	traced := a.try(ctx, c, seen.tracer(), 0)
	if err := errors.Join(ctx.Err(), traced.trouble()); err != nil {
		return seen, err
	}
	traced.print(1)
	return seen, nil
}

// profiler is trawl-redis, with profiles.
func (i *insight) profiler() contestant {
	return contestant{
		name: "trawl-profile", records: trawlRecords,
		prepare: func(ctx context.Context, s *stage) error {
			if err := startRedis(ctx, s); err != nil {
				return err
			}
			return forgetCommands(ctx, s.redis)
		},
		crawl: func(ctx context.Context, s *stage) error {
			return s.trawlCrawl(ctx, s.tools.trawl, nil, "--redis", s.redis, "--profile", s.path("profile"))
		},
		inspect: func(ctx context.Context, s *stage) error {
			commands, err := readCommands(ctx, s.redis)
			if err != nil {
				return err
			}
			i.commands.Add(commands)
			return i.profiles.read(s.path("profile"))
		},
	}
}

// tracer is trawl-redis under strace.
func (i *insight) tracer() contestant {
	return contestant{
		name: "trawl-strace", records: trawlRecords, prepare: startRedis,
		crawl: func(ctx context.Context, s *stage) error {
			// -I 2 lets strace hear a signal, which it passes on, though its output is a file.
			args := []string{"-c", "-f", "-I", "2", "-o", s.path("strace"), s.tools.trawl}
			return s.run(ctx, nil, "strace", append(args, s.crawlArgs("--redis", s.redis)...)...)
		},
		inspect: func(_ context.Context, s *stage) error {
			text, err := os.ReadFile(s.path("strace"))
			if err != nil {
				return err
			}
			i.calls, err = parseStrace(string(text))
			return err
		},
	}
}

// markdown is the insight for README.md.
func (i insight) markdown() string {
	once := i.trials[0].pages
	pages := float64(once * len(i.trials))
	b := new(strings.Builder)
	fmt.Fprintf(b, "### %s: %d pages, %.0f a second, %.2f ms of processor time each, %.2f of it Redis\n",
		i.corpus, once, i.median(trial.rate), i.median(trial.perPage), i.median(trial.redisPerPage))
	fmt.Fprintf(b, "\n| processor time of Trawl (%d %s) | %% | µs/page |\n| --- | ---: | ---: |\n", i.stacks.samples,
		plural(int(i.stacks.samples), "sample"))
	for _, s := range i.stacks.time {
		fmt.Fprintf(b, "| %s | %.1f | %.1f |\n", s.name, 100*float64(s.value)/float64(max(1, i.stacks.total)),
			float64(s.value)/1e3/pages)
	}
	shares(b, "bytes allocated by", "bytes/page", i.stacks.allocated, pages, "%.0f")
	crawls := 1e6 * float64(len(i.trials))
	shares(b, "waits for a mutex that is held in", "ms a crawl", i.stacks.contended, crawls, "%.1f")
	shares(b, "waits, but for idle ones, in", "ms a crawl", i.stacks.blocked, crawls, "%.0f")
	b.WriteString("\n| command of Redis | calls | µs/call | µs/page |\n| --- | ---: | ---: | ---: |\n")
	for _, name := range i.commands.Busiest(tableLines) {
		c := i.commands[name]
		micros := float64(c.Took.Microseconds())
		fmt.Fprintf(b, "| %s | %d | %.1f | %.1f |\n", name, c.Calls/int64(len(i.trials)),
			micros/float64(max(1, c.Calls)), micros/pages)
	}
	if i.uncalled != "" {
		fmt.Fprintf(b, "\nSystem calls were not counted: %s.\n", i.uncalled)
		return b.String()
	}
	b.WriteString("\n| system call | calls/page |\n| --- | ---: |\n")
	for _, c := range i.calls[:min(tableLines, len(i.calls))] {
		fmt.Fprintf(b, "| %s | %.2f |\n", c.name, float64(c.calls)/float64(once))
	}
	return b.String()
}

// median is that of a figure of the crawls.
func (i insight) median(figure func(trial) float64) float64 {
	var all []float64
	for _, t := range i.trials {
		all = append(all, figure(t))
	}
	return median(all)
}

// shares writes a table with one figure a line, the value divided by a unit.
func shares(b *strings.Builder, what, unit string, of []share, by float64, format string) {
	fmt.Fprintf(b, "\n| %s | %s |\n| --- | ---: |\n", what, unit)
	if len(of) == 0 {
		b.WriteString("| none | – |\n")
	}
	for _, s := range of {
		fmt.Fprintf(b, "| `%s` | "+format+" |\n", s.name, float64(s.value)/by)
	}
}
