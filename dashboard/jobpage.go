package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// card is a sheet in words, for the page.
type card struct {
	sheet
	Rate     string   // "" if unknown
	When     string   // how long the job has been running, or how long ago it ended
	Figures  []figure // in the order in which they are shown
	Outcomes []figure
	Skipped  []figure // what was skipped, by rule
	Muted    []string // patterns of URLs that look like a trap, and how to fetch them all the same
	Bar      []segment
	Budgets  []budget
	Settings string // as a job file
	Queue    string // the job's queue in asynq's web UI
	API      string
}

// figure is a number with its name.
type figure struct{ Name, Value string }

// segment is a part of the bar of a job: URLs with the same fate, in thousandths of all
// URLs that the job has seen.
type segment struct {
	Class, Name string
	At, Width   float64
}

// budget shows how much of a limit is spent.
type budget struct {
	Name, Spent, Of string
	Value, Max      int64
}

func newCard(sh sheet, now time.Time) card {
	c := card{
		sheet: sh, When: whenOf(sh, now), Settings: settingsOf(sh.status.Job),
		Queue: monitorRoot + "/queues/" + url.PathEscape(sh.Name), API: jobPath(sh.Name),
	}
	if sh.PagesPerSecond != nil {
		c.Rate = atRate(*sh.PagesPerSecond)
	}
	if n := sh.Counters; n != nil {
		c.Figures = figuresOf(*n, c.Rate)
		c.Outcomes = outcomesOf(*n)
		c.Skipped = skippedOf(*n)
		c.Muted = mutedOf(sh.Name, *n)
		c.Bar = barOf(*n)
		c.Budgets = budgetsOf(sh.status, *n, now)
	}
	return c
}

// Over reports whether the job has ended.
func (c card) Over() bool { return ended(c.State) }

// Lasts returns how long a worker has had a trouble.
func (c card) Lasts(t crawler.Trouble) string { return span(max(0, t.At.Sub(t.Since))) }

// Pages returns the number of pages that the job fetched.
func (c card) Pages() string {
	if c.Counters == nil {
		return ""
	}
	return grouped(c.Counters.Pages())
}

// Size returns the size of these pages.
func (c card) Size() string {
	if c.Counters == nil {
		return ""
	}
	return inBytes(c.Counters.Bytes)
}

// Took returns how long the job ran.
func (c card) Took() string {
	if c.Started.IsZero() || c.Ended.IsZero() {
		return ""
	}
	return span(c.Ended.Sub(c.Started))
}

// Why returns the reason for the job's state or the budget that is spent; for a periodic
// job, when the next run starts.
func (c card) Why() string {
	if p := c.Periodic; p != nil && !p.NextTick.IsZero() {
		if p.TicksPass {
			return p.Schedule + ": ticks are skipped while it is paused"
		}
		return fmt.Sprintf("%s: the next run starts at %s", p.Schedule, p.NextTick.Format("2006-01-02 15:04:05 MST"))
	}
	if c.Reason == "" && c.Ending != "" {
		if strings.HasPrefix(c.Ending, queue.StopPrefix) {
			return c.Ending + ": finishing the last visits"
		}
		return c.Ending + " is spent: finishing the last visits"
	}
	return c.Reason
}

func ended(s crawler.State) bool {
	return s == crawler.StateDone || s == crawler.StateCancelled || s == crawler.StateFailed
}

func whenOf(sh sheet, now time.Time) string {
	switch {
	case ended(sh.State) && sh.Ended.IsZero():
		return ""
	case ended(sh.State):
		return span(now.Sub(sh.Ended)) + " ago"
	case !sh.Started.IsZero():
		return "for " + span(now.Sub(sh.Started))
	case !sh.Created.IsZero():
		return "created " + span(now.Sub(sh.Created)) + " ago"
	}
	return ""
}

func figuresOf(n crawler.Counters, rate string) []figure {
	return []figure{
		{"pages", grouped(n.Pages())},
		{"pages/s", cmp.Or(rate, "–")},
		{"waiting", grouped(n.Waiting)},
		{"in flight", grouped(n.Flight)},
		{"hosts", grouped(n.Hosts)},
		{"visits", grouped(n.Out())},
		{"fetched", inBytes(n.Bytes)},
	}
}

// outcomesOf lists the outcomes that occurred.
func outcomesOf(n crawler.Counters) []figure {
	var list []figure
	for _, o := range crawler.Outcomes {
		if n.Outcomes[o] > 0 {
			list = append(list, figure{strings.ReplaceAll(string(o), "_", " "), grouped(n.Outcomes[o])})
		}
	}
	return list
}

// skippedOf lists the rules by which URLs were skipped.
func skippedOf(n crawler.Counters) []figure {
	var list []figure
	for _, rule := range queue.Rules {
		if n.Skipped[rule] > 0 {
			list = append(list, figure{strings.ReplaceAll(string(rule), "_", " "), grouped(n.Skipped[rule])})
		}
	}
	return list
}

// mutedOf describes the patterns of URLs that look like a trap.
func mutedOf(job string, n crawler.Counters) []string {
	var list []string
	for _, m := range n.Muted {
		list = append(list, m.Reason()+"; "+m.Insist(job))
	}
	if n.MutedMore > 0 {
		list = append(list, fmt.Sprintf("%s URLs of further patterns look like a trap: trawl host show %s HOST lists them", grouped(n.MutedMore), job))
	}
	return list
}

// barOf divides the URLs that a job has seen by their fate. The rest waits.
func barOf(n crawler.Counters) []segment {
	if n.Seen <= 0 {
		return nil
	}
	good := n.Pages() + n.Outcomes[crawler.OutcomeNotModified]
	bad := n.Outcomes[crawler.OutcomeFailed] + n.Outcomes[crawler.OutcomeGone]
	parts := []struct {
		class, name string
		urls        int64
	}{
		{"good", "fetched", good},
		{"plain", "redirected, disallowed or skipped", n.Settled() - good - bad},
		{"bad", "failed or gone", bad},
		{"flight", "in flight", n.Flight},
	}
	var bar []segment
	at := 0.0
	for _, p := range parts {
		width := min(1000*float64(max(0, p.urls))/float64(n.Seen), 1000-at)
		if width > 0 {
			bar = append(bar, segment{p.class, grouped(p.urls) + " " + p.name, at, width})
			at += width
		}
	}
	return bar
}

func budgetsOf(s crawler.Status, n crawler.Counters, now time.Time) []budget {
	var list []budget
	if of := s.Job.Pages; of > 0 {
		list = append(list, budget{"pages", grouped(n.Pages()), grouped(of), n.Pages(), of})
	}
	if of := int64(s.Job.Bytes); of > 0 {
		list = append(list, budget{"bytes", inBytes(n.Bytes), inBytes(of), n.Bytes, of})
	}
	if of := s.Job.Time; of > 0 {
		spent := ranFor(s, now)
		list = append(list, budget{"time", span(spent), span(of), int64(spent), int64(of)})
	}
	return list
}

// ranFor returns how long a job has run.
func ranFor(s crawler.Status, now time.Time) time.Duration {
	switch {
	case s.Started.IsZero():
		return 0
	case !s.Ended.IsZero():
		return s.Ended.Sub(s.Started)
	}
	return max(0, now.Sub(s.Started))
}

// shownSeeds is the number of a job's seeds that the page shows.
const shownSeeds = 20

// settingsOf formats a job as a job file.
func settingsOf(job crawler.Job) string {
	more := ""
	if n := len(job.Seeds) - shownSeeds; n > 0 {
		job.Seeds = job.Seeds[:shownSeeds]
		more = fmt.Sprintf("# and %s more seeds\n", grouped(int64(n)))
	}
	settings, _ := crawler.TextForm(&job)
	text, err := yaml.Marshal(settings)
	if err != nil {
		return "# the settings cannot be shown: " + err.Error()
	}
	return string(text) + more
}

// byUrgency sorts cards: running jobs first, then paused and created ones, then those that
// ended, the most recent first.
func byUrgency(cards []card) {
	rank := map[crawler.State]int{crawler.StateRunning: 0, crawler.StatePaused: 1, crawler.StateCreated: 2}
	rankOf := func(c card) int {
		if r, ok := rank[c.State]; ok {
			return r
		}
		return len(rank)
	}
	slices.SortStableFunc(cards, func(a, b card) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), b.Ended.Compare(a.Ended), cmp.Compare(a.Name, b.Name))
	})
}
