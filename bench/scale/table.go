package main

import (
	"fmt"
	"strings"
	"time"
)

// markdown is the tolls as tables.
func markdown(tolls []*toll) string {
	b := new(strings.Builder)
	b.WriteString("| scenario | hosts | pages | visits | pages/s | Redis µs/page | commands/page | pages/s of one Redis core | the rest µs/page | peak of Redis MB | missed | twice | against the rules |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, t := range tolls {
		redis := time.Duration(0)
		for _, node := range t.redis {
			redis += node
		}
		asked := float64(t.account.Asked)
		fmt.Fprintf(b, "| %s | %d | %d | %d | %.0f | %.0f | %.1f | %.0f | %.0f | %.0f | %d | %d | %d |\n",
			t.scenario.name, t.web.Hosts(), t.account.Asked, t.counters.Visits, asked/t.wall.Seconds(),
			micros(redis)/asked, float64(t.commands.Calls())/asked, asked/redis.Seconds(), micros(t.house)/asked,
			float64(t.peak)/1e6,
			t.account.Missed, t.account.Twice, t.broken())
	}
	b.WriteString("\nWhat Redis did most, of the time that its commands took; scripts contain the commands that they call:\n\n")
	for _, t := range tolls {
		var parts []string
		for _, name := range t.commands.Busiest(t.top) {
			c := t.commands[name]
			parts = append(parts, fmt.Sprintf("%s %.2f a page, %.1f µs each", strings.ToUpper(name),
				float64(c.Calls)/float64(t.account.Asked), micros(c.Took)/float64(max(1, c.Calls))))
		}
		fmt.Fprintf(b, "- %s: %s\n", t.scenario.name, strings.Join(parts, "; "))
	}
	return b.String() + nodes(tolls)
}

// nodes tells what each master of a Cluster bore; "" of one server.
func nodes(tolls []*toll) string {
	b := new(strings.Builder)
	for _, t := range tolls {
		if len(t.redis) < 2 {
			continue
		}
		for i, took := range t.redis {
			fmt.Fprintf(b, "- %s, master %d: %d keys in the end, %.0f µs a page\n", t.scenario.name, i+1, t.keys[i],
				micros(took)/float64(t.account.Asked))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nThe masters of the Cluster:\n\n" + b.String()
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// broken is how often a rule was broken: robots.txt and when it is asked for, one
// request at a time, the delay.
func (t *toll) broken() int64 {
	n := t.account.Forbidden + t.account.Early + t.account.Unknown
	if t.job.PerHost == 1 {
		n += t.account.Together
	}
	if t.account.Smallest < t.job.Delay {
		n++
	}
	return n
}
