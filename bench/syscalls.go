package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// syscalls are all calls of one kind that a crawl made.
type syscalls struct {
	name  string
	calls int
}

// parseStrace reads what strace -c writes, and returns the most frequent call
// first. A line is the part of the time, seconds, microseconds a call, calls,
// errors unless there were none, and the name.
func parseStrace(text string) (all []syscalls, err error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[len(fields)-1] == "total" {
			continue
		}
		if _, err := strconv.ParseFloat(fields[0], 64); err != nil {
			continue // the head, or the line beneath it
		}
		n, err := strconv.Atoi(fields[3])
		if err != nil {
			return nil, fmt.Errorf("%q is no line of strace -c", line)
		}
		all = append(all, syscalls{fields[len(fields)-1], n})
	}
	if len(all) == 0 {
		return nil, errors.New("strace counted no calls")
	}
	slices.SortStableFunc(all, func(x, y syscalls) int { return cmp.Compare(y.calls, x.calls) })
	return all, nil
}
