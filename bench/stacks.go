package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// stacks are the profiles of crawls, added up.
type stacks struct {
	time      []share // ns of processor time, by group, in their order
	total     int64   // ns of processor time
	samples   int64   // that the time was told from
	allocated []share // bytes, by function, the most first, as are the others
	contended []share // ns, by the function that held the mutex
	blocked   []share // ns, by the function that waited
}

// share is what one of several took.
type share struct {
	name  string
	value int64
}

// profiles are those that --profile wrote, by name: of each kind as many as there
// were crawls.
type profiles map[string][]*profile.Profile

// read reads those in a folder.
func (p profiles) read(folder string) error {
	for _, name := range []string{"cpu", "allocs", "mutex", "block"} {
		one, err := readProfile(filepath.Join(folder, name+".pprof"))
		if err != nil {
			return err
		}
		p[name] = append(p[name], one)
	}
	return nil
}

func readProfile(path string) (*profile.Profile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p, err := profile.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// add adds up what the profiles tell.
func (p profiles) add() (s stacks, err error) {
	for _, one := range []struct {
		name, figure string // of the figures that a sample has, the one that counts
		add          func(*profile.Profile, int)
	}{
		{"cpu", "cpu", func(p *profile.Profile, i int) {
			s.time, s.total = groupTime(p, i)
			s.samples = s.total / max(1, p.Period)
		}},
		{"allocs", "alloc_space", func(p *profile.Profile, i int) { s.allocated = addUp(p, i, allocator) }},
		{"mutex", "delay", func(p *profile.Profile, i int) { s.contended = addUp(p, i, outsideOfLocks) }},
		{"block", "delay", func(p *profile.Profile, i int) { s.blocked = addUp(p, i, waiter) }},
	} {
		all, err := profile.Merge(p[one.name])
		if err != nil {
			return s, fmt.Errorf("profiles of %s: %w", one.name, err)
		}
		i, err := all.SampleIndexByName(one.figure)
		if err != nil {
			return s, fmt.Errorf("profiles of %s: %w", one.name, err)
		}
		one.add(all, i)
	}
	return s, nil
}

// addUp adds up a figure of the samples by a name that their stacks give them, and
// returns those that have most. Stacks with the name "" do not count.
func addUp(p *profile.Profile, figure int, name func([]string) string) []share {
	sums := map[string]int64{}
	for _, s := range p.Sample {
		if by := name(functions(s)); by != "" {
			sums[short(by)] += s.Value[figure]
		}
	}
	var all []share
	for _, by := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, share{by, sums[by]})
	}
	slices.SortStableFunc(all, func(x, y share) int { return cmp.Compare(y.value, x.value) })
	return all[:min(len(all), tableLines)]
}

// functions are the names on the stack of a sample, the innermost first, with
// those that the compiler put into their callers.
func functions(s *profile.Sample) (names []string) {
	for _, location := range s.Location {
		for _, line := range location.Line {
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}

// packageOf is the import path that the name of a function begins with.
func packageOf(function string) string {
	path, _, _ := strings.Cut(function, "[") // types in brackets have paths of their own
	slash := strings.LastIndexByte(path, '/') + 1
	last, _, _ := strings.Cut(path[slash:], ".")
	return path[:slash] + last
}

// short is a function as it is written in a table, without the types that it was
// made for.
func short(function string) string {
	name, _, _ := strings.Cut(function, "[")
	return strings.TrimPrefix(strings.TrimPrefix(name, trawlPath+"/"), "github.com/")
}

// allocator is the innermost function of a stack; "" if it is there for the
// profile itself.
func allocator(stack []string) string {
	profiles := func(function string) bool { return packageOf(function) == "runtime/pprof" }
	if len(stack) == 0 || slices.ContainsFunc(stack, profiles) {
		return ""
	}
	return stack[0]
}
