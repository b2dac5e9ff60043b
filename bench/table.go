package main

import (
	"fmt"
	"slices"
	"strings"
)

// median of numbers, of which there is at least one.
func median[T ~int64 | ~float64](of []T) T {
	sorted := slices.Sorted(slices.Values(of))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// trials of one run.
type trials []trial

// of returns the trials of a contestant at a corpus that have figures.
func (ts trials) of(corpus, name string) (some trials) {
	for _, t := range ts {
		if t.corpus == corpus && t.name == name && t.failure == "" {
			some = append(some, t)
		}
	}
	return some
}

// gaveUp reports whether a contestant took too long at a corpus.
func (ts trials) gaveUp(corpus, name string) bool {
	return slices.ContainsFunc(ts, func(t trial) bool { return t.late && t.corpus == corpus && t.name == name })
}

// median of a figure over trials.
func (ts trials) median(figure func(trial) float64) float64 {
	var all []float64
	for _, t := range ts {
		all = append(all, figure(t))
	}
	return median(all)
}

// ratio is the median of the ratios of a figure to another contestant's in the
// same round, as text; "–" without such a round.
func (ts trials) ratio(others trials, figure func(trial) float64) string {
	var all []float64
	for _, t := range ts {
		for _, o := range others {
			if o.round == t.round {
				all = append(all, figure(t)/figure(o))
			}
		}
	}
	if len(all) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(all))
}

// worst is the largest of a figure over trials.
func (ts trials) worst(figure func(trial) int) int {
	most := 0
	for _, t := range ts {
		most = max(most, figure(t))
	}
	return most
}

const tableHead = `| crawler | pages/s | ÷ floor | CPU ms/page | of it Redis | ÷ floor | ÷ Colly | peak MB | missed | twice |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`

// table is the outcome at one corpus, in Markdown.
func (ts trials) table(corpus string, names []string) string {
	var b strings.Builder
	b.WriteString(tableHead)
	floor, colly := ts.of(corpus, "floor"), ts.of(corpus, "colly")
	for _, name := range names {
		some := ts.of(corpus, name)
		if len(some) == 0 {
			continue
		}
		redis := "–"
		if part := some.median(trial.redisPerPage); part > 0 {
			redis = fmt.Sprintf("%.2f", part)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %s | %.2f | %s | %s | %s | %.0f | %d | %d |\n", name,
			some.median(trial.rate), some.ratio(floor, trial.rate),
			some.median(trial.perPage), redis, some.ratio(floor, trial.perPage), some.ratio(colly, trial.perPage),
			some.median(func(t trial) float64 { return float64(t.peak) / 1e6 }),
			some.worst(func(t trial) int { return t.missed }), some.worst(func(t trial) int { return t.twice }))
	}
	return b.String()
}

// failures tells of trials without figures, each reason once.
func (ts trials) failures() (told []string) {
	for _, t := range ts {
		if line := fmt.Sprintf("%s at %s: %s", t.name, t.corpus, t.failure); t.failure != "" &&
			!slices.Contains(told, line) {
			told = append(told, line)
		}
	}
	return told
}
