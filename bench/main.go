package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	contestants, corpora string
	rounds               int
	limit                time.Duration
	workers              int
	trawl, before        string
	python               string
	install, write       bool
	targets              string  // "" for the comparison
	size                 float64 // of what targets are tried on
	profile              bool
}

func parseFlags() (o options) {
	var names, sites []string
	for _, c := range contestants {
		names = append(names, c.name)
	}
	for _, c := range corpora {
		sites = append(sites, c.name)
	}
	flag.StringVar(&o.contestants, "contestants", strings.Join(names, ","),
		"which crawlers; those that are not installed are left out")
	flag.StringVar(&o.corpora, "corpora", strings.Join(sites, ","), "which sites")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each crawler crawls each site")
	flag.DurationVar(&o.limit, "limit", 10*time.Minute,
		"most time for one crawl; who needs longer does not crawl that site again")
	flag.IntVar(&o.workers, "nginx-workers", 1, "processes of nginx that serve")
	flag.StringVar(&o.trawl, "trawl", "", "a built Trawl (default: it is built)")
	flag.StringVar(&o.before, "before", "",
		"another build of Trawl, to be compared as trawl-before, with the built-in Redis")
	flag.StringVar(&o.python, "python", "/usr/bin/python3", "the Python of Scrapy and aiohttp")
	flag.BoolVar(&o.install, "install", false, "first install, with apt-get, what crawlers and sites need")
	flag.BoolVar(&o.write, "write", true, "write the figures into README.md")
	flag.StringVar(&o.targets, "targets", "", "measure these targets in place of the comparison: "+targetNames())
	flag.Float64Var(&o.size, "size", 1, "how many times as large as the targets say their sites are")
	flag.BoolVar(&o.profile, "profile", false,
		"show where time and memory of Trawl go, in place of the comparison, at "+strings.Join(profiled, " and "))
	flag.Parse()
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.install {
		if err := install(ctx); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp("", "trawl-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	t, err := build(ctx, o, temp)
	if err != nil {
		return err
	}
	if o.targets != "" {
		return runTargets(ctx, o, t, temp)
	}
	if o.profile {
		return runProfile(ctx, o, t, temp)
	}
	r := report{date: time.Now(), machine: machine(), load: load(), rounds: o.rounds}
	who, err := pick(contestants, o.contestants, func(c contestant) string { return c.name },
		func(c contestant) error { return c.ready(t) }, &r.absent)
	if err != nil {
		return err
	}
	if r.corpora, err = pick(corpora, o.corpora, func(c corpus) string { return c.name }, corpus.ready,
		&r.absent); err != nil {
		return err
	}
	for _, c := range who {
		r.names = append(r.names, c.name)
	}
	r.tools = versions(t, r.names)
	if err := r.compete(ctx, o, t, temp, who); err != nil {
		return err
	}
	r.load += " before, " + load() + " after"
	fmt.Print("\n" + r.markdown())
	if o.write {
		return writeInto("README.md", "figures", r.markdown())
	}
	return nil
}

// runTargets measures targets and writes them down.
func runTargets(ctx context.Context, o options, t *tools, temp string) error {
	found, err := measureTargets(ctx, o, t, temp)
	if err != nil {
		return err
	}
	fmt.Print("\n" + found)
	if o.write && o.size == 1 && o.targets == targetNames() {
		return writeInto("README.md", "targets", found)
	}
	return nil
}

// pick returns those of all whose names are wanted and that are ready.
func pick[T any](all []T, wanted string, name func(T) string, ready func(T) error,
	absent *[]string) (some []T, err error) {
	names := strings.Split(wanted, ",")
	for _, one := range all {
		i := slices.Index(names, name(one))
		if i < 0 {
			continue
		}
		names = slices.Delete(names, i, i+1)
		if err := ready(one); errors.Is(err, errUnasked) {
			continue
		} else if err != nil {
			*absent = append(*absent, name(one)+": "+err.Error())
			continue
		}
		some = append(some, one)
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("there is no %q: see -help", names[0])
	}
	if len(some) == 0 {
		return nil, fmt.Errorf("of %s, nothing is here: %s", wanted, strings.Join(*absent, "; "))
	}
	return some, nil
}

// compete holds the rounds. In each the next contestant begins, so that none is
// always the first.
func (r *report) compete(ctx context.Context, o options, t *tools, temp string, who []contestant) error {
	a := newArena(o, t, temp)
	r.truths = a.truths
	for _, c := range r.corpora {
		fmt.Fprintf(os.Stderr, "checking the links of %s\n", c.name)
		if err := a.learn(ctx, c); err != nil {
			return err
		}
	}
	for round := range o.rounds {
		for _, c := range r.corpora {
			for i := range who {
				whose := who[(i+round)%len(who)]
				if r.trials.gaveUp(c.name, whose.name) {
					continue
				}
				next := a.try(ctx, c, whose, round)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				next.print(round + 1)
				r.trials = append(r.trials, next)
			}
		}
	}
	return nil
}

// print shows that something goes on.
func (t trial) print(round int) {
	if t.failure != "" {
		fmt.Fprintf(os.Stderr, "round %d  %-18s %-14s %s\n", round, t.corpus, t.name, t.failure)
		return
	}
	fmt.Fprintf(os.Stderr, "round %d  %-18s %-14s %6.0f pages/s  %6.2f ms/page  %5.0f MB  %d pages, %d missed, %d twice, %d besides\n",
		round, t.corpus, t.name, t.rate(), t.perPage(), float64(t.peak)/1e6, t.pages, t.missed, t.twice, t.further)
}

// build builds the crawlers that are written in Go.
func build(ctx context.Context, o options, temp string) (*tools, error) {
	scripts, err := filepath.Abs("python")
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(scripts); err != nil {
		return nil, fmt.Errorf("%w: run the command in its own folder, bench", err)
	}
	t := &tools{
		floor: filepath.Join(temp, "floor"), colly: filepath.Join(temp, "colly"),
		trawl: o.trawl, before: o.before, python: o.python, scripts: scripts,
	}
	builds := [][]string{{"-o", t.floor, "./floor"}, {"-o", t.colly, "./colly"}}
	if t.trawl == "" {
		t.trawl = filepath.Join(temp, "trawl")
		builds = append(builds, []string{"-C", "..", "-o", t.trawl, "./cmd/trawl"})
	}
	for _, args := range builds {
		args = slices.Concat([]string{"build"}, args)
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said)
		}
	}
	return t, nil
}

// install asks apt-get for what is missing.
func install(ctx context.Context) error {
	args := []string{
		"install", "--yes", "--no-install-recommends", "nginx-light", "redis-server", "wget", "strace",
		"python3-scrapy", "python3-aiohttp", "python3-lxml",
	}
	for _, c := range corpora {
		args = append(args, c.name)
	}
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get: %w", err)
	}
	return nil
}
