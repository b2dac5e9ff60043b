// Package audit judges from the request journals of crawls how polite they were: how long hosts
// and addresses were left alone between requests, whether robots.txt was obeyed, and whether the
// end of each Retry-After was awaited. It trusts the journals alone, and no other part of Trawl.
package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// Judge reads segments of request journals, those of each writer in order, and judges all
// requests together, as a site sees them. Only jobs with politeness: job are judged
// separately. If each is set, the findings list every host and every address. Damaged lines
// and segments are part of the findings. The error says which segment could not be read.
func Judge(ctx context.Context, journals []output.Segment, each bool) (*Findings, error) {
	a := newAudit()
	for _, journal := range journals {
		err := a.read(ctx, journal)
		if errors.Is(err, output.ErrDamaged) {
			a.findings.Damaged = append(a.findings.Damaged, err.Error())
		} else if err != nil {
			return nil, err
		}
	}
	a.judge()
	a.findings.Hosts.finish(each)
	a.findings.Addresses.finish(each)
	return &a.findings, nil
}

// audit accumulates what the journals say.
type audit struct {
	findings Findings
	hosts    map[shared][]moment
	peers    map[netip.Addr][]int64   // start times, in microseconds
	rules    map[string]*robots.Rules // by worker, job and origin
}

// shared identifies a host: across all jobs, or within the one job whose politeness is its
// own. Requests of rendered pages to hosts that their visits do not hold take turns of their own.
type shared struct {
	host  crawler.Host
	job   string // "" for all jobs
	guest bool   // requests of such pages
}

// moment is one request to a host.
type moment struct {
	start, answered, gap, retryAfter int64 // microseconds
	job                              string
}

func newAudit() *audit {
	return &audit{
		hosts: make(map[shared][]moment),
		peers: make(map[netip.Addr][]int64),
		rules: make(map[string]*robots.Rules),
	}
}

// read adds the requests of one segment.
func (a *audit) read(ctx context.Context, s output.Segment) error {
	return s.EachLine(ctx, func(offset int64, line []byte) error {
		r, u, start, err := parseRequest(line)
		if err != nil {
			a.findings.Damaged = append(a.findings.Damaged, fmt.Sprintf("%s, at byte %d: %v", s, offset, err))
			return nil
		}
		f := &a.findings
		f.Requests++
		if f.First.IsZero() || start.Before(f.First) {
			f.First = start
		}
		if start.After(f.Last) {
			f.Last = start
		}
		a.checkRobots(r, u)
		key := shared{host: u.Host(), guest: r.Guest}
		if r.Politeness == string(crawler.PolitenessJob) {
			key.job = r.Job
		}
		a.hosts[key] = append(a.hosts[key], moment{
			job: r.Job, start: start.UnixMicro(), answered: start.UnixMicro() + r.DurationMS*1000,
			gap: r.GapMS * 1000, retryAfter: r.RetryAfterMS * 1000,
		})
		if peer, err := netip.ParseAddrPort(r.Address); err == nil {
			a.peers[peer.Addr()] = append(a.peers[peer.Addr()], start.UnixMicro())
		}
		return nil
	})
}

// parseRequest parses a line of a journal.
func parseRequest(line []byte) (sink.Request, crawler.URL, time.Time, error) {
	var r sink.Request
	if err := json.Unmarshal(line, &r); err != nil {
		return r, crawler.URL{}, time.Time{}, err
	}
	u, err := crawler.ParseURL(r.URL)
	if err != nil {
		return r, u, time.Time{}, err
	}
	start, err := time.Parse(time.RFC3339Nano, r.Start)
	return r, u, start, err
}

// checkRobots judges a request by the robots.txt that its worker had at the time.
func (a *audit) checkRobots(r sink.Request, u crawler.URL) {
	f := &a.findings.Robots
	by := r.Worker + "\x00" + r.Job + "\x00"
	if r.Rules != nil {
		a.rules[by+r.Rules.Origin] = robots.Parse([]byte(r.Rules.Text), r.Rules.Token)
	}
	switch r.Robots {
	case sink.RobotsAsked:
		f.Asked++
		return
	case sink.RobotsIgnored:
		f.Ignored++
		return
	}
	switch rules := a.rules[by+u.Origin()]; {
	case rules == nil:
		f.Unknown++
		a.findings.violation("%s: worker %s requested it without a robots.txt", u, r.Worker)
	case !rules.Allowed(u):
		f.Forbidden++
		a.findings.violation("%s: worker %s requested it although robots.txt forbids it", u, r.Worker)
	default:
		f.Obeyed++
	}
}

// judge examines all gaps, after everything has been read.
func (a *audit) judge() {
	f := &a.findings
	for key, moments := range a.hosts {
		slices.SortStableFunc(moments, func(x, y moment) int { return cmp.Compare(x.start, y.start) })
		at := newGapsAt(string(key.host), jobsOf(moments)...)
		owed := owedAfter(moments)
		var asked, until int64 // the host asked at asked not to be sent requests before until
		for i, m := range moments {
			at.owe(m.gap)
			if at.Requests++; i > 0 {
				at.note(m.start - moments[i-1].start)
				a.judgeGap(key.host, moments[i-1], m, owed[i-1])
			}
			if m.start > asked && m.start < until {
				f.RetryAfter.Ignored++
				f.violation("job %[2]s sent a request to %[1]s at %[3]s, %[4]v before the end of its Retry-After",
					key.host, m.job, clock(m.start), micros(until-m.start))
			}
			if m.retryAfter > 0 {
				f.RetryAfter.Asked++
				asked, until = m.answered, max(until, m.answered+m.retryAfter)
			}
		}
		f.Hosts.add(at)
	}
	for peer, starts := range a.peers {
		at := newGapsAt(peer.String())
		slices.Sort(starts)
		for i, start := range starts {
			if at.Requests++; i > 0 {
				at.note(start - starts[i-1])
			}
		}
		f.Addresses.add(at)
	}
}

// jobsOf returns the names of the jobs that made the requests, sorted.
func jobsOf(moments []moment) []string {
	var jobs []string
	for _, m := range moments {
		jobs = append(jobs, m.job)
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}

// owedAfter returns, for each request, the gap that its job owed the host until the job's
// next request. Since a gap may change, it is the smaller of the gaps before the two
// requests. After the last request of a job it is 0, because the job may have ended.
func owedAfter(moments []moment) []int64 {
	owed := make([]int64, len(moments))
	next := make(map[string]int64) // the gap before the job's next request
	for i, m := range slices.Backward(moments) {
		if gap, ok := next[m.job]; ok {
			owed[i] = min(m.gap, gap)
		}
		next[m.job] = m.gap
	}
	return owed
}

// judgeGap compares the time between two requests with the gap that the later one had to
// keep, and with the gap that the job of the earlier one still owed the host.
func (a *audit) judgeGap(host crawler.Host, before, m moment, owed int64) {
	gap, want, of := m.start-before.start, m.gap, ""
	if before.job != m.job {
		want, of = max(want, owed), ", of job "+before.job+","
	}
	if gap < want {
		a.findings.Hosts.TooSmall++
		a.findings.violation("job %[2]s sent a request to %[1]s at %[3]s, "+
			"%[4]v after the previous request%[5]s but the gap had to be %[6]v",
			host, m.job, clock(m.start), micros(gap), cmp.Or(of, ","), micros(want))
	}
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func clock(us int64) string { return time.UnixMicro(us).UTC().Format(sink.JournalTime) }
