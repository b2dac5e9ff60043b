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
		Use:   "audit JOB|DIR|URL",
		Short: "Show from a crawl's own journal how polite it was",
		Long: `Audit reads the journal of every request that the workers of a crawl made (requests-*.jsonl)
and computes anew: the smallest gap between two requests at a host and at an address, requests
that came sooner than they should have, requests that robots.txt forbids, and whether
Retry-After was kept. It knows nothing but the journal. With --each it lists every host and
address as well, those with the smallest gaps first.

Exit statuses: 0 no violation, 1 violations or a failure, 2 usage.`,
		Example: `  trawl audit python-docs
  trawl audit news --out /data/crawls --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return auditFolder(cmd.Context(), resultsOf(out, args[0]), each, asJSON, stdout)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the workers' output, a folder or the URL of a bucket, when a job of a fleet is named")
	cmd.Flags().BoolVar(&each, "each", false, "list the requests and the smallest gap of each host and each address")
	cmd.Flags().BoolVar(&asJSON, "json", false, "answer in JSON")
	return cmd
}

func auditFolder(ctx context.Context, dir string, each, asJSON bool, w io.Writer) error {
	files, err := journalFiles(ctx, dir)
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

// journalFiles finds the segments of the journals in a folder, each writer's in
// order.
func journalFiles(ctx context.Context, dir string) ([]segment, error) {
	files, err := filesOf(ctx, dir, sink.JournalPrefix)
	if err == nil && len(files) == 0 {
		err = usage("%q holds no journal of requests: the crawl was told --journal=false, or wrote elsewhere", dir)
	}
	return files, err
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
	hosts    map[jobHost][]moment
	peers    map[netip.Addr][]int64   // starts, in microseconds
	rules    map[string]*robots.Rules // by writer and origin
}

type jobHost struct {
	job  string
	host crawler.Host
}

// moment is one request to a host.
type moment struct{ start, answered, gap, retryAfter int64 } // microseconds

func newAudit() *audit {
	return &audit{hosts: make(map[jobHost][]moment), peers: make(map[netip.Addr][]int64), rules: make(map[string]*robots.Rules)}
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
		key := jobHost{r.Job, u.Host()}
		a.hosts[key] = append(a.hosts[key], moment{
			start: start.UnixMicro(), answered: start.UnixMicro() + r.DurationMS*1000, gap: r.GapMS * 1000, retryAfter: r.RetryAfterMS * 1000,
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
		at := newGapsAt(string(key.host), key.job)
		slices.SortFunc(moments, func(x, y moment) int { return cmp.Compare(x.start, y.start) })
		var asked, until int64 // the host asked to be left alone until then
		for i, m := range moments {
			if at.Requests++; i > 0 {
				at.note(m.start - moments[i-1].start)
				a.judgeGap(key, moments[i-1], m)
			}
			if m.start > asked && m.start < until {
				f.RetryAfter.Ignored++
				f.violation("%s of job %s was asked at %s, %v before its Retry-After had passed", key.host, key.job, clock(m.start), micros(until-m.start))
			}
			if m.retryAfter > 0 {
				f.RetryAfter.Asked++
				asked, until = m.answered, max(until, m.answered+m.retryAfter)
			}
		}
		f.Hosts.add(at)
	}
	for peer, starts := range a.peers {
		at := newGapsAt(peer.String(), "")
		slices.Sort(starts)
		for i, start := range starts {
			if at.Requests++; i > 0 {
				at.note(start - starts[i-1])
			}
		}
		f.Addresses.add(at)
	}
}

func (a *audit) judgeGap(key jobHost, before, m moment) {
	gap := m.start - before.start
	if gap < m.gap {
		a.findings.Hosts.TooSmall++
		a.findings.violation("%s of job %s was asked at %s, %v after the request before, and %v was to lie between them",
			key.host, key.job, clock(m.start), micros(gap), micros(m.gap))
	}
}

func micros(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

func clock(us int64) string { return time.UnixMicro(us).UTC().Format(sink.JournalTime) }

func (f findings) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "requests\t%d, from %s to %s\n", f.Requests, f.First.UTC().Format(time.RFC3339), f.Last.UTC().Format(time.RFC3339))
	fmt.Fprintf(t, "hosts\t%s; %d gaps were too small\n", f.Hosts, f.Hosts.TooSmall)
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
