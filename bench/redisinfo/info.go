// Package redisinfo reads what INFO of a Redis says of it, and of what its
// commands took.
package redisinfo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Fields reads what INFO, or CLUSTER INFO, says: lines of a name, a colon and a
// value.
func Fields(text string) map[string]string {
	fields := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	return fields
}

// Command is what all calls of one command took. What a script calls counts for the
// script and for the command that it calls.
type Command struct {
	Calls int64
	Took  time.Duration
}

// Commands are those of a Redis, by name. A part of a command has its name behind a
// space.
type Commands map[string]Command

// CommandsOf reads the section commandstats of INFO, with fields such as
//
//	cmdstat_get:calls=21,usec=175,usec_per_call=8.33,rejected_calls=0,failed_calls=0
func CommandsOf(fields map[string]string) (Commands, error) {
	all := make(Commands)
	for field, value := range fields {
		name, ok := strings.CutPrefix(field, "cmdstat_")
		if !ok {
			continue
		}
		var c Command
		var micros int64
		if _, err := fmt.Sscanf(value, "calls=%d,usec=%d,", &c.Calls, &micros); err != nil {
			return nil, fmt.Errorf("%s:%s is no line of commandstats: %w", field, value, err)
		}
		c.Took = time.Duration(micros) * time.Microsecond
		all[strings.ReplaceAll(name, "|", " ")] = c
	}
	return all, nil
}

// Add adds what the commands of another Redis took, or of this one at another time.
func (c Commands) Add(more Commands) {
	for name, m := range more {
		sum := c[name]
		c[name] = Command{sum.Calls + m.Calls, sum.Took + m.Took}
	}
}

// Since returns what was taken after before.
func (c Commands) Since(before Commands) Commands {
	since := make(Commands)
	for name, now := range c {
		was := before[name]
		since[name] = Command{now.Calls - was.Calls, now.Took - was.Took}
	}
	return since
}

// Calls returns how many calls there were of all commands together. A script and each
// command that it calls count as one each.
func (c Commands) Calls() (sum int64) {
	for _, command := range c {
		sum += command.Calls
	}
	return sum
}

// Busiest names at most n commands, those that took most time, the most first.
func (c Commands) Busiest(n int) []string {
	names := slices.Sorted(maps.Keys(c))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(c[b].Took, c[a].Took) })
	return names[:min(n, len(names))]
}
