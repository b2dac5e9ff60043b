package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/robots"
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// auditCommand shows how polite a crawl was.
func auditCommand() *cobra.Command {
	var out string
	var each, asJSON bool
	cmd := &cobra.Command{
		Use:   "audit JOB|DIR|URL…",
		Short: "Show from the journals of crawls how polite they were",
		Long: `Audit reads the journal of every request that the workers of a crawl made (requests-*.jsonl)
and computes anew: the smallest gap between two requests at a host and at an address, requests
that came sooner than they should have, requests that robots.txt forbids, and whether
Retry-After was kept. It knows nothing but the journal. With --each it lists every host and
address as well, those with the smallest gaps first.

Several outputs are judged together, as a site sees them: gaps are those between the requests
of any two jobs, but for jobs with politeness: job, which are judged by themselves. The output
of a fleet, with a folder for each job, may be named as a whole.

Exit statuses: 0 no violation, 1 violations or a failure, 2 usage.`,
		Example: `  trawl audit python-docs
  trawl audit news --out /data/crawls --json
  trawl audit /data/crawls`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			var where []string
			for _, arg := range args {
				where = append(where, resultsOf(out, arg))
			}
			return auditOutputs(cmd.Context(), where, each, asJSON, stdout)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the workers' output, a folder or the URL of a bucket, when a job of a fleet is named")
	cmd.Flags().BoolVar(&each, "each", false, "list the requests and the smallest gap of each host and each address")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer in JSON")
	return cmd
}

func auditOutputs(ctx context.Context, where []string, each, asJSON bool, w io.Writer) error {
	files, err := journalsOf(ctx, where)
	if err != nil {
		return err
	}
	a := newAudit()
	for _, file := range files {
		if err := a.read(ctx, file); err != nil {
			return failed("audit: %v", err)
		}
	}
	a.judge()
	a.findings.Hosts.finish(each)
	a.findings.Addresses.finish(each)
	if asJSON {
		err = printJSON(w, a.findings)
	} else {
		err = a.findings.print(w)
	}
	if err == nil && a.findings.Violations > 0 {
		return &exitError{code: exitFailed}
	}
	return err
}

// findings are what an audit finds.
type findings struct {
	Requests int64     `json:"requests"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`

	Hosts     gaps `json:"hosts"`
	Addresses gaps `json:"addresses"`

	Robots struct {
		Obeyed    int64 `json:"obeyed"`    // requests that a robots.txt in the journal allows
		Forbidden int64 `json:"forbidden"` // that it forbids
		Unknown   int64 `json:"unknown"`   // without a robots.txt in the journal
		Asked     int64 `json:"asked"`     // for a robots.txt
		Ignored   int64 `json:"ignored"`   // of a job that ignores them
	} `json:"robots"`

	RetryAfter struct {
		Asked   int64 `json:"asked"`
		Ignored int64 `json:"ignored"`
	} `json:"retry_after"`

	Violations int64    `json:"violations"`
	Examples   []string `json:"examples"` // of violations
}

// mostExamples is how many violations are told in words.
const mostExamples = 20

func (f *findings) violation(format string, args ...any) {
	f.Violations++
	if len(f.Examples) < mostExamples {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}

// audit reads journals.
type audit struct {
	findings findings
	hosts    map[shared][]moment
	peers    map[netip.Addr][]int64   // starts, in microseconds
	rules    map[string]*robots.Rules // by writer and origin
}

// shared is a host of all jobs; of a job that is polite to itself alone, its own.
type shared struct {
	host crawler.Host
	job  string // "" for all
}

// moment is one request to a host.
type moment struct {
	start, answered, gap, retryAfter int64 // microseconds
	job                              string
}

func newAudit() *audit {
	return &audit{hosts: make(map[shared][]moment), peers: make(map[netip.Addr][]int64), rules: make(map[string]*robots.Rules)}
}

// read takes in one segment.
func (a *audit) read(ctx context.Context, s segment) error {
	return eachLine(ctx, s, func(_ int64, line []byte) error {
		r, u, start, err := parseRequest(line)
		if err != nil {
			return err
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
		key := shared{host: u.Host()}
		if r.Politeness == string(crawler.PolitenessJob) {
			key.job = r.Job
		}
		a.hosts[key] = append(a.hosts[key], moment{
			job: r.Job, start: start.UnixMicro(), answered: start.UnixMicro() + r.DurationMS*1000, gap: r.GapMS * 1000, retryAfter: r.RetryAfterMS * 1000,
		})
		if peer, err := netip.ParseAddrPort(r.Address); err == nil {
			a.peers[peer.Addr()] = append(a.peers[peer.Addr()], start.UnixMicro())
		}
		return nil
	})
}

// parseRequest reads a line of a journal.
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

// checkRobots judges a request by the robots.txt that its writer went by.
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
		a.findings.violation("%s: worker %s asked for it without a robots.txt", u, r.Worker)
	case !rules.Allowed(u):
		f.Forbidden++
		a.findings.violation("%s: worker %s asked for what robots.txt forbids", u, r.Worker)
	default:
		f.Obeyed++
	}
}

// judge looks at all gaps, once everything is read.
func (a *audit) judge() {
	f := &a.findings
	for key, moments := range a.hosts {
		slices.SortStableFunc(moments, func(x, y moment) int { return cmp.Compare(x.start, y.start) })
		at := newGapsAt(string(key.host), jobsOf(moments)...)
		owed := owedAfter(moments)
		var asked, until int64 // the host asked to be left alone until then
		for i, m := range moments {
			at.owe(m.gap)
			if at.Requests++; i > 0 {
				at.note(m.start - moments[i-1].start)
				a.judgeGap(key.host, moments[i-1], m, owed[i-1])
			}
			if m.start > asked && m.start < until {
				f.RetryAfter.Ignored++
				f.violation("%s of job %s was asked at %s, %v before its Retry-After had passed", key.host, m.job, clock(m.start), micros(until-m.start))
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

// jobsOf lists the jobs that made requests, in the order of their names.
func jobsOf(moments []moment) []string {
	var jobs []string
	for _, m := range moments {
		jobs = append(jobs, m.job)
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}

// owedAfter is for each request the gap that its job owed the host until the job's next
// one: the smaller of the gaps that it kept before both, since a gap may change. After a
// job's last request it is 0, because the job may have ended.
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

// judgeGap compares the time between two requests with the gap that the later one was
// to keep, and with the one that the other's job owed the host after it.
func (a *audit) judgeGap(host crawler.Host, before, m moment, owed int64) {
	gap, want, of := m.start-before.start, m.gap, ""
	if before.job != m.job {
		want, of = max(want, owed), ", of job "+before.job+","
	}
	if gap < want {
		a.findings.Hosts.TooSmall++
		a.findings.violation("%s of job %s was asked at %s, %v after the request before%s and %v was to lie between them",
			host, m.job, clock(m.start), micros(gap), cmp.Or(of, ","), micros(want))
	}
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func clock(us int64) string { return time.UnixMicro(us).UTC().Format(sink.JournalTime) }

func (f findings) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "requests\t%d, from %s to %s\n", f.Requests, f.First.UTC().Format(time.RFC3339), f.Last.UTC().Format(time.RFC3339))
	fmt.Fprintf(t, "hosts\t%s; %d gaps were too small; the longest gap owed was %s\n", f.Hosts, f.Hosts.TooSmall, f.Hosts.owed())
	fmt.Fprintf(t, "addresses\t%s\n", f.Addresses)
	r := f.Robots
	fmt.Fprintf(t, "robots.txt\t%d requests it allows, %d it forbids, %d without it; %d for it; %d of jobs that ignore it\n",
		r.Obeyed, r.Forbidden, r.Unknown, r.Asked, r.Ignored)
	fmt.Fprintf(t, "Retry-After\t%d asked for, %d not kept\n", f.RetryAfter.Asked, f.RetryAfter.Ignored)
	if err := t.Flush(); err != nil {
		return err
	}
	if err := errors.Join(f.Hosts.print(w, "host"), f.Addresses.print(w, "address")); err != nil {
		return err
	}
	for _, example := range f.Examples {
		fmt.Fprintln(w, "violation:", example)
	}
	verdict := "no violation"
	if f.Violations > 0 {
		verdict = fmt.Sprintf("%d violations", f.Violations)
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
