package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown returns the turns as a table: the median of each contestant.
func markdown(w *web, turns []*turn) string {
	b := new(strings.Builder)
	fmt.Fprintf(b, "%d hosts, of which %d can be reached, with %d pages; a turn is over after %.0f %% of them.\n\n",
		w.shape.hosts, w.hosts, w.expects, nearly*100)
	b.WriteString("| crawler | pages/s | µs/page | workers | scheduler | Redis | memory MB | robots.txt | pages twice | " +
		"DNS queries | connections | TLS handshakes | resumed |\n| --- |" + strings.Repeat(" ---: |", 12) + "\n")
	var names []string
	for _, t := range turns {
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	for _, name := range names {
		t := median(turns, name)
		fmt.Fprintf(b, "| %s | %.0f | %.0f | %.0f | %.0f | %.0f | %d | %d | %d | %d | %d | %d | %d |\n", t.name, t.rate(),
			t.perPage(t.all()), t.perPage(t.cpu["worker"]), t.perPage(t.cpu["scheduler"]), t.perPage(t.cpu["redis"]),
			t.peak>>20, t.asked.robots, t.asked.again, t.asked.queries, t.asked.connections, t.asked.handshakes,
			t.asked.resumed)
		for _, p := range t.parts {
			fmt.Fprintf(b, "  %5.1f %% %s\n", p.share*100, p.name)
		}
	}
	if plain, trawl := median(turns, "plain"), median(turns, "trawl"); plain != nil && trawl != nil {
		fmt.Fprintf(b, "\nTrawl makes %.2f of the pages/s of the plain program, with %.2f of its processor time a page.\n",
			trawl.rate()/plain.rate(), trawl.perPage(trawl.all())/plain.perPage(plain.all()))
	}
	return b.String()
}

// median returns the turn of a contestant with the median rate; nil if it had none.
func median(turns []*turn, name string) *turn {
	own := slices.DeleteFunc(slices.Clone(turns), func(t *turn) bool { return t.name != name })
	if len(own) == 0 {
		return nil
	}
	slices.SortFunc(own, func(a, b *turn) int { return int(a.took - b.took) })
	return own[len(own)/2]
}
