package dashboard

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/ui"
)

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

// why returns the reason for the job's state or the budget that is spent; for a periodic
// job, when the next run starts.
func (sh sheet) why() string {
	if p := sh.Periodic; p != nil && !p.NextTick.IsZero() {
		if p.TicksPass {
			return p.Schedule + ": ticks are skipped while it is paused"
		}
		return fmt.Sprintf("%s: the next run starts at %s", p.Schedule, p.NextTick.Format("2006-01-02 15:04:05 MST"))
	}
	if sh.Reason == "" && sh.Ending != "" {
		if strings.HasPrefix(sh.Ending, queue.StopPrefix) {
			return sh.Ending + ": finishing the last visits"
		}
		return sh.Ending + " is spent: finishing the last visits"
	}
	return sh.Reason
}

func ended(s crawler.State) bool {
	return s == crawler.StateDone || s == crawler.StateCancelled || s == crawler.StateFailed
}

func whenOf(sh sheet, now time.Time) string {
	switch {
	case ended(sh.State) && sh.Ended.IsZero():
		return ""
	case ended(sh.State):
		return ui.Span(now.Sub(sh.Ended)) + " ago"
	case !sh.Started.IsZero():
		return "for " + ui.Span(now.Sub(sh.Started))
	case !sh.Created.IsZero():
		return "created " + ui.Span(now.Sub(sh.Created)) + " ago"
	}
	return ""
}

// outcomesOf lists the outcomes that occurred.
func outcomesOf(n crawler.Counters) []figure {
	var list []figure
	for _, o := range crawler.Outcomes {
		if n.Outcomes[o] > 0 {
			list = append(list, figure{Name: strings.ReplaceAll(string(o), "_", " "), Value: ui.Number(n.Outcomes[o])})
		}
	}
	return list
}

// skippedOf lists the rules by which URLs were skipped.
func skippedOf(n crawler.Counters) []figure {
	var list []figure
	for _, rule := range queue.Rules {
		if n.Skipped[rule] > 0 {
			list = append(list, figure{Name: strings.ReplaceAll(string(rule), "_", " "), Value: ui.Number(n.Skipped[rule])})
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
		list = append(list, fmt.Sprintf("%s URLs of further patterns look like a trap: trawl host show %s HOST lists them", ui.Number(n.MutedMore), job))
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
			bar = append(bar, segment{p.class, ui.Number(p.urls) + " " + p.name, at, width})
			at += width
		}
	}
	return bar
}

func budgetsOf(s crawler.Status, n crawler.Counters, now time.Time) []budget {
	var list []budget
	if of := s.Job.Pages; of > 0 {
		list = append(list, budget{"pages", ui.Number(n.Pages()), ui.Number(of), n.Pages(), of})
	}
	if of := int64(s.Job.Bytes); of > 0 {
		list = append(list, budget{"bytes", ui.Bytes(n.Bytes), ui.Bytes(of), n.Bytes, of})
	}
	if of := s.Job.Time; of > 0 {
		spent := ranFor(s, now)
		list = append(list, budget{"time", ui.Span(spent), ui.Span(of), int64(spent), int64(of)})
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
		more = fmt.Sprintf("# and %s more seeds\n", ui.Number(int64(n)))
	}
	settings, _ := crawler.TextForm(&job)
	text, err := yaml.Marshal(settings)
	if err != nil {
		return "# the settings cannot be shown: " + err.Error()
	}
	return string(text) + more
}
