package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// target is something that Trawl must reach beside its figures in the
// comparison.
type target struct {
	name    string
	measure func(context.Context, *ground) ([]finding, error)
}

// finding is what was found out about a target.
type finding struct {
	what, got, want string
	reached         bool
}

// targets are all that there are.
var targets = []target{
	{"first", firstRequest},
	{"last", lastPage},
	{"polite", politeness},
	{"workers", moreWorkers},
	{"memory", flatMemory},
}

// ground is where targets are tried.
type ground struct {
	tools  *tools
	temp   string
	rounds int
	size   float64 // of sites, where 1 is what the target is about
}

// stage sets up a place for one crawl, and returns how to leave it.
func (g *ground) stage(name string) (s *stage, leave func() (usage, error), err error) {
	dir, err := os.MkdirTemp(g.temp, name+"-")
	if err != nil {
		return nil, nil, err
	}
	s = &stage{family: newFamily(), tools: g.tools, dir: dir}
	return s, func() (usage, error) {
		u, err := s.end()
		return u, errors.Join(err, os.RemoveAll(dir))
	}, nil
}

// measureTargets measures those that are named and writes them down.
func measureTargets(ctx context.Context, o options, t *tools, temp string) (string, error) {
	g := &ground{tools: t, temp: temp, rounds: o.rounds, size: o.size}
	before, began := load(), time.Now()
	var all []finding
	for _, one := range targets {
		if !slices.Contains(strings.Split(o.targets, ","), one.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "target %s\n", one.name)
		found, err := one.measure(ctx, g)
		if err != nil {
			return "", fmt.Errorf("target %s: %w", one.name, err)
		}
		for _, f := range found {
			fmt.Fprintf(os.Stderr, "  %s: %s, want %s\n", f.what, f.got, f.want)
		}
		all = append(all, found...)
	}
	b := new(strings.Builder)
	fmt.Fprintf(b, "%s, %s; load average %s before, %s after.\n\n", began.Format("2 January 2006"), machine(), before,
		load())
	b.WriteString("| target | found | wanted | |\n| --- | --- | --- | --- |\n")
	for _, f := range all {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.what, f.got, f.want,
			map[bool]string{true: "reached", false: "**not reached**"}[f.reached])
	}
	return b.String(), nil
}

// targetNames are the names of all.
func targetNames() string {
	var all []string
	for _, one := range targets {
		all = append(all, one.name)
	}
	return strings.Join(all, ",")
}

// order writes a job file with so many seeds, at full speed unless more says
// otherwise, and returns its path.
func (s *stage) order(seeds []string, more string) (string, error) {
	text := new(strings.Builder)
	fmt.Fprintf(text, "name: %s\n%s\nseeds:\n", job, more)
	for _, seed := range seeds {
		fmt.Fprintf(text, "  - %q\n", seed)
	}
	return s.path("job.yaml"), os.WriteFile(s.path("job.yaml"), []byte(text.String()), 0o600)
}
