package forecast

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Use is what the places of the workers of a job were used for recently. It is zero if no
// worker has said so.
type Use struct {
	// Shares are the largest first. They add up to 1.
	Shares []Share `json:"shares"`
	// Places is how many visits the workers that serve the job carry out at once.
	Places int `json:"places"`
	// Seconds is how long that was measured: some fifteen.
	Seconds float64 `json:"seconds"`
	// Advice says in one or two sentences what limits the job and what to do about it; "" if
	// that is not known.
	Advice string `json:"advice,omitempty"`
}

// Share is a part of the time of all places.
type Share struct {
	Name string  `json:"name"` // of an activity, or one of the names below
	Of   float64 `json:"of"`   // 0 to 1
}

// Names of shares in which places do nothing for the job.
const (
	ShareOthers = "other jobs"
	ShareRest   = "hosts that rest" // places are free, and no host is due
	ShareNoWork = "no work"         // places are free, and nothing waits
	ShareFree   = "free places"     // places are free, although hosts are due
)

// leastShare is the smallest share that is shown by itself.
const leastShare = 0.005

// UseOf returns what the places of the workers that serve a job were used for. c are the
// counters of the job: they say why places are free.
func UseOf(job string, members []waiting.Member, c crawler.Counters) Use {
	var u Use
	var own activity.Spent
	var all, others time.Duration
	for _, m := range members {
		if m.Within <= 0 || !slices.Contains(m.Serving, job) {
			continue
		}
		u.Places, u.Seconds = u.Places+m.Places, max(u.Seconds, m.Within.Seconds())
		all += time.Duration(m.Places) * m.Within
		for name, spent := range m.Spent {
			if name == job {
				own = own.Plus(spent)
			} else {
				others += spent.Total()
			}
		}
	}
	if all <= 0 {
		return Use{}
	}
	all = max(all, own.Total()+others) // places that were freed early, of visits that still end
	add := func(name string, d time.Duration) {
		if share := float64(d) / float64(all); share >= leastShare {
			u.Shares = append(u.Shares, Share{name, share})
		}
	}
	for k, d := range own {
		add(activity.Names[k], d)
	}
	add(ShareOthers, others)
	add(idleName(c), all-own.Total()-others)
	slices.SortStableFunc(u.Shares, func(a, b Share) int { return cmp.Compare(b.Of, a.Of) })
	return u
}

// idleName says why places are free.
func idleName(c crawler.Counters) string {
	switch {
	case c.Ready > 0:
		return ShareFree
	case c.Waiting > 0:
		return ShareRest
	}
	return ShareNoWork
}

// advices say what to do about what limits a job, by the name of the largest share.
var advices = map[string]string{
	activity.Names[activity.Parsing]: "The processors of the workers limit this job: start workers on more machines.",
	activity.Names[activity.Handlers]: "The handlers limit this job: make them faster, allow more of them at once, " +
		"or start more workers.",
	activity.Names[activity.DNS]: "Looking up addresses limits this job: use name servers that are closer or faster.",
	activity.Names[activity.Output]: "Writing pages limits this job: look at the disk or the bucket, or spread the " +
		"output over more workers.",
	activity.Names[activity.Redis]: "Redis limits this job: more workers will not help. Move Redis closer, or use a Cluster.",
	ShareOthers:                    "Other jobs use most places of its workers: start more workers, or raise its weight.",
}

// MaxNamed is the most hosts of a job whose slowest are named.
const MaxNamed = 32

// NeedsHosts reports whether [Use.Advise] can say more if it knows the hosts of the job. Then
// the hosts are few.
func (u Use) NeedsHosts(c crawler.Counters) bool {
	return c.Hosts <= MaxNamed && (u.limit() == activity.Names[activity.Politeness] || u.limit() == ShareRest)
}

// limit returns the name of the largest share, or "".
func (u Use) limit() string {
	if len(u.Shares) == 0 {
		return ""
	}
	return u.Shares[0].Name
}

// Advise returns what [Use.Advice] says of a running job. hosts are all hosts with URLs, if they
// are few.
func (u Use) Advise(c crawler.Counters, hosts []crawler.HostStatus, now time.Time) string {
	const sure = 0.4 // what is less than this does not limit the job alone
	if len(u.Shares) == 0 || u.Shares[0].Of < sure {
		return ""
	}
	switch name := u.limit(); name {
	case activity.Names[activity.Politeness], ShareRest:
		if text := slowest(c, hosts, now); text != "" {
			return "Adding workers will not help: " + text
		}
		return "Politeness limits this job: each host gets one request at a time, at its own pace. Adding workers will not help."
	case activity.Names[activity.Server]:
		if c.Ready > 0 {
			return "Workers wait for slow servers while other hosts are due: start more workers, or raise their concurrency."
		}
		return "Slow servers limit this job: every host that is due is being visited. Adding workers will not help."
	default:
		return advices[name]
	}
}

// slowest names the hosts that hold most of the waiting URLs, and when they end. It returns "" if
// there are no such few hosts.
func slowest(c crawler.Counters, hosts []crawler.HostStatus, now time.Time) string {
	const few, most = 3, 0.5
	hosts = slices.Clone(hosts)
	slices.SortStableFunc(hosts, func(a, b crawler.HostStatus) int {
		return cmp.Or(cmp.Compare(b.Waiting, a.Waiting), cmp.Compare(a.Host, b.Host))
	})
	hosts = hosts[:min(len(hosts), few)]
	held, ends, n, interval := int64(0), time.Duration(0), 0, time.Duration(0)
	for _, h := range hosts {
		if h.Waiting == 0 || n > 0 && float64(held) >= 0.9*float64(c.Waiting) {
			break
		}
		n, held = n+1, held+h.Waiting
		ends = max(ends, time.Duration(h.Waiting)*h.Interval)
		interval = max(interval, h.Interval)
	}
	if n == 0 || float64(held) < most*float64(c.Waiting) {
		return ""
	}
	who, end := fmt.Sprintf("%d hosts hold", n), "they end"
	if n == 1 {
		who, end = fmt.Sprintf("%s holds", hosts[0].Host), "it ends"
	}
	text := fmt.Sprintf("%s %.0f %% of the waiting URLs", who, 100*min(1, float64(held)/float64(max(1, c.Waiting))))
	if interval <= 0 {
		return text + "."
	}
	return fmt.Sprintf("%s; at one request every %s %s %s at the earliest.", text, interval.Round(10*time.Millisecond),
		end, clockTime(now.Add(ends), now))
}

// clockTime formats a time of day, with the date if it is not today.
func clockTime(at, now time.Time) string {
	if at.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return "at " + at.Format("15:04")
	}
	return "on " + at.Format("2 January at 15:04")
}
