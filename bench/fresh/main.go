package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	days := flag.Float64("days", 30, "the budget: a fetch of each page every so many `days`")
	only := flag.String("only", "", "replay only the collections whose `name` contains this")
	drop := flag.Bool("drop", false, "ask no more for pages that are gone")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: fresh [flags] HISTORIES")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 || !(*days > 0) {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *days, *drop, *only); err != nil {
		fmt.Fprintln(os.Stderr, "fresh:", err)
		os.Exit(1)
	}
}

// contestant is a policy with its name, and how pages announce their changes.
type contestant struct {
	name    string
	signals announcer
	policy  func(c collection, days float64) policy
}

// half is a sitemap that announces half of the changes, and a page in 2,000 days by mistake.
var half = announcer{share: 0.5, mistakes: 0.0005}

var contestants = []contestant{
	{"uniform", announcer{}, func(c collection, _ float64) policy { return &uniform{queue: newQueue(c.pages)} }},
	{"Nutch", announcer{}, func(c collection, days float64) policy { return newNutch(c.pages, days*day) }},
	{"StormCrawler", announcer{}, func(c collection, days float64) policy { return newStormCrawler(c.pages, days*day) }},
	{"Trawl", announcer{}, func(c collection, _ float64) policy { return newTrawl(c.pages) }},
	{"Trawl with signals", half, func(c collection, _ float64) policy { return newTrawl(c.pages) }},
	{"oracle", announcer{}, func(c collection, days float64) policy { return newOracle(c, days) }},
}

func run(path string, days float64, drop bool, only string) error {
	all, err := readCollections(path)
	if err != nil {
		return err
	}
	fmt.Printf("a fetch of each page every %g days; stale page-days, and of all page-days; budget used\n\n", days)
	fmt.Print("| | ")
	for _, x := range contestants {
		fmt.Printf("%s | ", x.name)
	}
	fmt.Print("oracle, if Poisson |\n|", strings.Repeat(" --- |", len(contestants)+2), "\n")
	totals, bound := make([]result, len(contestants)), 0.0
	for _, c := range all {

		if !strings.Contains(c.name, only) {
			continue
		}
		fmt.Printf("| %s | ", c.name)
		for i, x := range contestants {
			r := replay(c, x.policy(c, days), terms{
				days: days, drops: drop, signals: x.signals,
				steers: strings.HasPrefix(x.name, "Trawl"), learns: x.name != "oracle",
			})
			totals[i].add(r)
			fmt.Print(r, " | ")
		}
		_, b := c.optimum(days)
		bound += b
		fmt.Printf("%.0f |\n", b)
	}
	fmt.Print("| all | ")
	for _, r := range totals {
		fmt.Print(r, " | ")
	}
	fmt.Printf("%.0f |\n| beside uniform | ", bound)
	for _, r := range totals {
		fmt.Printf("%.3f | ", r.staleDays/totals[0].staleDays)
	}
	fmt.Printf("%.3f |\n", bound/totals[0].staleDays)
	return nil
}

func (r result) String() string {
	return fmt.Sprintf("%.0f, %.2f %%, %.0f %%", r.staleDays, 100*r.staleDays/r.pageDays, 100*r.fetches/r.budget)
}
