package main

import (
	"fmt"
	"io"

	"github.com/trawlcrawler/trawl/internal/waiting"
)

// printFreshness shows how up to date the pages of a continuous job are.
func printFreshness(w io.Writer, v jobView) {
	if n := v.Counters; n.Tracked > 0 {
		fmt.Fprintf(w, "again\t%s\n", waiting.AgainText(n))
	}
	if v.Freshness != nil {
		fmt.Fprintf(w, "fresh\t%s\n", waiting.FreshText(*v.Freshness))
		fmt.Fprintf(w, "budget\t%s\n", waiting.BudgetText(*v.Freshness))
	}
}
