package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// options are the flags.
type options struct {
	path   string
	days   float64 // the budget
	only   string  // a part of the names of the collections to replay
	policy string  // a part of the names of the policies
	drop   bool    // never ask again for pages that are gone
	fast   bool    // do not replay to a fleet
	years  float64 // measured
	learn  float64 // years before them
	every  int     // pages
}

func main() {
	var o options
	flags := flag.NewFlagSet("fresh", flag.ExitOnError) // package testing has flags of its own
	flags.Float64Var(&o.days, "days", 30, "the budget: one fetch of each page in this many `days`")
	flags.StringVar(&o.only, "only", "", "replay only the collections whose `name` contains this")
	flags.StringVar(&o.policy, "policy", "", "replay only to the policies whose `name` contains this, and to uniform intervals")
	flags.BoolVar(&o.drop, "drop", false, "never ask again for pages that are gone; implies -fast")
	flags.BoolVar(&o.fast, "fast", false, "do not replay to a fleet, only to its mathematics: seconds instead of many minutes")
	flags.Float64Var(&o.years, "years", measured.Hours()/24/365, "measure the last `years` of each history")
	flags.Float64Var(&o.learn, "learning", learning.Hours()/24/365, "replay this many `years` before them")
	flags.IntVar(&o.every, "every", 1, "replay one page in this many `pages` of each collection, with a budget that is as much smaller")
	flags.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: fresh [flags] HISTORIES")
		flags.PrintDefaults()
	}
	_ = flags.Parse(os.Args[1:]) // it exits if it fails
	if flags.NArg() != 1 || !(o.days > 0) || !(o.years > 0) || !(o.learn > 0) || o.every < 1 {
		flags.Usage()
		os.Exit(2)
	}
	o.path, o.fast = flags.Arg(0), o.fast || o.drop
	asTest(func(t *testing.T) error { return run(t, o) })
}

// contestant is a policy with its name, and how pages announce their changes.
type contestant struct {
	name    string
	signals announcer
	policy  func(c collection, days float64) policy // nil: histories are replayed to a fleet
	steers  bool                                    // it keeps to the budget by itself
}

// half is a sitemap that announces half of the changes, and by mistake each page once in 2,000
// days.
var half = announcer{share: 0.5, mistakes: 0.0005}

// contestants returns the policies to be compared.
func (o options) contestants() (all []contestant) {
	mathematics := func(c collection, _ float64) policy { return newTrawl(c.pages) }
	all = []contestant{
		{name: "uniform", policy: func(c collection, _ float64) policy { return &uniform{agenda: newAgenda(c.pages)} }},
		{name: "Nutch", policy: func(c collection, days float64) policy { return newNutch(c.pages, days*day) }},
		{name: "StormCrawler", policy: func(c collection, days float64) policy { return newStormCrawler(c.pages, days*day) }},
		{name: "mathematics", policy: mathematics, steers: true},
		{name: "mathematics with signals", policy: mathematics, steers: true, signals: half},
		{name: "fleet", steers: true},
		{name: "fleet with signals", steers: true, signals: half},
		{name: "oracle", policy: func(c collection, days float64) policy { return newOracle(c, days) }},
	}
	return slices.DeleteFunc(all, func(x contestant) bool {
		return o.fast && x.policy == nil || x.name != "uniform" && !strings.Contains(x.name, o.policy)
	})
}

// replay replays a collection to the contestant. seen is the site's report on a fleet, and on signals.
func (x contestant) replay(t *testing.T, c collection, o options) (r result, seen string, err error) {
	on := terms{
		days: o.days, drops: o.drop, signals: x.signals, steers: x.steers, learns: x.name != "oracle",
	}
	if x.policy != nil {
		r = replay(c, x.policy(c, o.days), on)
		if x.signals != (announcer{}) {
			seen = fmt.Sprintf("%s, %s: %s", c.name, x.name, r.stale)
		}
		return r, seen, nil
	}
	began := time.Now()
	err = bubble(t, func() error {
		var l log
		if r, l, err = live(c, on); err == nil {
			seen = l.String()
			if x.signals != (announcer{}) {
				seen += "; " + r.stale.String()
			}
		}
		return err
	})
	return r, fmt.Sprintf("%s, %s: %s; %v", c.name, x.name, seen, time.Since(began).Round(time.Second)), err
}

func run(t *testing.T, o options) error {
	all, err := readCollections(o.path)
	if err != nil {
		return err
	}
	chosen := o.contestants()
	fmt.Printf("a fetch of each page every %g days; stale page-days, and of all page-days; budget used\n\n", o.days)
	fmt.Print("| | ")
	for _, x := range chosen {
		fmt.Printf("%s | ", x.name)
	}
	fmt.Print("oracle, if Poisson |\n|", strings.Repeat(" --- |", len(chosen)+2), "\n")
	totals, bound := make([]result, len(chosen)), 0.0
	var notes []string
	for _, c := range all {
		if !strings.Contains(c.name, o.only) {
			continue
		}
		c = c.sample(o.every)
		c.measured, c.learning = time.Duration(o.years*float64(year)), time.Duration(o.learn*float64(year))
		if !o.fast {
			c = c.lasting()
		}
		fmt.Printf("| %s | ", c.name)
		for i, x := range chosen {
			r, seen, err := x.replay(t, c, o)
			if err != nil {
				return fmt.Errorf("replay %s to %s: %w", c.name, x.name, err)
			}
			if seen != "" {
				notes = append(notes, seen)
			}
			totals[i].add(r)
			fmt.Print(r, " | ")
		}
		_, b := c.optimum(o.days)
		bound += b
		fmt.Printf("%.0f |\n", b)
	}
	printTotals(totals, bound)
	if len(notes) > 0 {
		fmt.Print("\n- ", strings.Join(notes, "\n- "), "\n")
	}
	return nil
}

// printTotals prints the lines of all collections together.
func printTotals(totals []result, bound float64) {
	fmt.Print("| all | ")
	for _, r := range totals {
		fmt.Print(r, " | ")
	}
	fmt.Printf("%.0f |\n| beside uniform | ", bound)
	for _, r := range totals {
		fmt.Printf("%.3f | ", r.staleDays/totals[0].staleDays)
	}
	fmt.Printf("%.3f |\n", bound/totals[0].staleDays)
}

func (r result) String() string {
	return fmt.Sprintf("%.0f, %.2f %%, %.0f %%", r.staleDays, 100*r.staleDays/r.pageDays, 100*r.fetches/r.budget)
}
