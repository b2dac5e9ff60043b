package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
	"github.com/trawlcrawler/trawl/tasks"
)

// jobView is a job as --json shows it.
type jobView struct {
	Name     string             `json:"name"`
	State    crawler.State      `json:"state"`
	Reason   string             `json:"reason"`
	Created  time.Time          `json:"created"`
	Started  *time.Time         `json:"started"`
	Ended    *time.Time         `json:"ended"`
	Counters crawler.Counters   `json:"counters"`
	Troubles []crawler.Trouble  `json:"troubles,omitempty"` // why workers cannot keep its pages
	Failures []string           `json:"failures,omitempty"` // URLs that failed, and why; only in job show
	Waits    string             `json:"waits,omitempty"`    // why no page is fetched at the moment, and what to do
	WaitsFor waiting.WaitReason `json:"waits_for,omitempty"`
	Use      *forecast.Use      `json:"use,omitempty"`  // what its workers' places are used for; only in job show
	Left     *forecast.Estimate `json:"left,omitempty"` // how long a running job still takes; only in job show
	Settings crawler.Job        `json:"settings"`
	// Freshness is how up to date the pages of a continuous job are; nil for any other job.
	Freshness *crawler.Freshness `json:"freshness,omitempty"`
	// Webhooks lists what was delivered to the webhooks of the job; only in job show.
	Webhooks []event.Deliveries `json:"webhooks,omitempty"`
	// Records compares what is settled with the records known to be in the output. With
	// --out, the output is read.
	Records  account.Comparison `json:"records"`
	Missing  int64              `json:"missing"`            // missing records
	Periodic *periodic.Job      `json:"periodic,omitempty"` // for a job with a schedule
	RunOf    string             `json:"run_of,omitempty"`   // the periodic job that it is a run of
	Closing  bool               `json:"closing,omitempty"`  // it only waits for its output
	Awaited  []crawler.Awaited  `json:"awaited,omitempty"`  // the writers whose output it waits for before it ends
	// Unfinished lists the writers that died and left files that no process has finished.
	Unfinished []crawler.Awaited `json:"unfinished,omitempty"`
	left       string
	// Garbage lists what was set aside because it was damaged; only in job show.
	Garbage  []string         `json:"garbage,omitempty"`
	Revision int64            `json:"revision"`          // revision of the settings
	Changes  []crawler.Change `json:"changes,omitempty"` // changes to the settings since the job was created
}

func view(ctx context.Context, c *tasks.Client, status crawler.Status) (jobView, error) {
	numbers, err := c.Counters(ctx, status.Job.Name)
	if errors.Is(err, queue.ErrGarbage) {
		status.State, err = crawler.StateBroken, standsStill(&status, err)
	}
	if err != nil {
		return jobView{}, err
	}
	waits, err := c.Waiting(ctx, status, numbers)
	return jobView{
		Waits: waits.Text, WaitsFor: waits.For,
		Name: status.Job.Name, State: status.State, Reason: status.Reason, Created: status.Created,
		Records: account.Compare(numbers), Missing: account.Compare(numbers).Missing(),
		Started: known(status.Started), Ended: known(status.Ended), Counters: numbers, Settings: status.Job,
		Troubles: status.Troubles, Freshness: status.Freshness,
		RunOf: status.RunOf, Revision: status.Revision, Changes: status.Changes,
		Closing: status.Closing, Awaited: status.Awaited, Unfinished: status.Unfinished, left: waiting.Left(status),
	}, err
}

// standsStill makes an error about the job's keys the reason of its state.
func standsStill(status *crawler.Status, err error) error {
	status.Reason = fmt.Sprintf("%v: repair it, or remove the job (trawl job rm %s)", err, status.Job.Name)
	return nil
}

// known returns nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (d *desk) list(ctx context.Context, c *tasks.Client) error {
	all, err := c.Jobs(ctx)
	if err != nil {
		return err
	}
	views := make([]jobView, 0, len(all))
	for _, status := range all {
		v, err := view(ctx, c, status)
		if errors.Is(err, queue.ErrNoJob) {
			continue // removed in the meantime
		}
		if err != nil {
			return err
		}
		if v.Periodic, err = c.Periodic(ctx, status, all); err != nil {
			return err
		}
		views = append(views, v)
	}
	if d.json {
		return printJSON(stdout, views)
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tSTATE\tPAGES\tWAITING\tIN FLIGHT\tHOSTS\tERRORS\tREASON")
	for _, v := range views {
		n := v.Counters
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\n", v.Name, v.State, n.Pages(), n.Waiting, n.Flight, n.Hosts,
			errorsOf(n), v.remark())
	}
	return t.Flush()
}

// remark returns what a list says about a job besides numbers: which workers cannot keep its pages,
// what it waits for, or the reason for its state.
func (v jobView) remark() string {
	switch n := len(v.Troubles); n {
	case 0:
		if v.Periodic != nil && v.WaitsFor != waiting.WaitScheduler {
			return periodicRemark(*v.Periodic)
		}
		if v.State != crawler.StateBroken && len(v.Reason) == 0 && v.Counters.Garbage > 0 {
			return fmt.Sprintf("! %s garbage (trawl job show %s)",
				plain.Plural(v.Counters.Garbage, "key or entry was", "keys or entries were"), v.Name)
		}
		return cmp.Or(v.Waits, v.Reason)
	case 1:
		return "! worker " + v.Troubles[0].Worker + " is in trouble (trawl job show " + v.Name + ")"
	default:
		return fmt.Sprintf("! %d workers are in trouble (trawl job show %s)", n, v.Name)
	}
}

// maxFailures is the number of failed URLs that job show prints. With --json it shows more.
const maxFailures = 5

// showCommand returns the command that shows a job.
func (d *desk) showCommand() *cobra.Command {
	var out string
	cmd := d.command("show JOB", "Show a job with its counters", 1,
		func(ctx context.Context, c *tasks.Client, name string) error {
			return d.showWith(ctx, c, name, out)
		})
	cmd.Flags().StringVar(&out, "out", "",
		"the workers' output (a folder or the URL of a bucket), to compare its records with what is settled")
	return cmd
}

func (d *desk) show(ctx context.Context, c *tasks.Client, name string) error {
	return d.showWith(ctx, c, name, "")
}

// showWith shows a job, and compares it with its output if out names one.
func (d *desk) showWith(ctx context.Context, c *tasks.Client, name, out string) error {
	status, err := c.Status(ctx, name)
	if err != nil {
		return err
	}
	v, err := view(ctx, c, status)
	if err != nil {
		return err
	}
	if v.Failures, err = c.Failures(ctx, name); err != nil && !errors.Is(err, queue.ErrGarbage) {
		return err
	}
	if v.Garbage, err = c.Garbage(ctx, name); err != nil {
		return err
	}
	if v.Webhooks, err = c.Deliveries(ctx, name); err != nil {
		return err
	}
	if v.Periodic, err = c.Periodic(ctx, status, nil); err != nil {
		return err
	}
	if use, err := c.Use(ctx, status, v.Counters); err != nil {
		return err
	} else if len(use.Shares) > 0 {
		v.Use = &use
	}
	if status.State == crawler.StateRunning {
		left, err := c.Estimate(ctx, status, v.Counters)
		if err != nil {
			return err
		}
		v.Left = &left
	}
	if out != "" {
		if err := v.compare(ctx, status, out); err != nil {
			return err
		}
	}
	if d.json {
		return printJSON(stdout, v)
	}
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	v.print(t, status.Now)
	return t.Flush()
}

// print prints the rows of a job. now is when it was read, by Redis's clock.
func (v jobView) print(t io.Writer, now time.Time) {
	fmt.Fprintf(t, "job\t%s\nstate\t%s %s\n", v.Name, v.State, v.Reason)
	if v.RunOf != "" {
		fmt.Fprintf(t, "run of\t%s\n", v.RunOf)
	}
	if v.Periodic != nil {
		printPeriodic(t, *v.Periodic, now)
	} else {
		printNumbers(t, v)
	}
	for _, moment := range []struct {
		name string
		at   *time.Time
	}{{"created", &v.Created}, {"started", v.Started}, {"ended", v.Ended}} {
		if moment.at != nil {
			fmt.Fprintf(t, "%s\t%s\n", moment.name, moment.at.Local().Format(time.DateTime))
		}
	}
	if v.Waits != "" {
		fmt.Fprintf(t, "waits\t%s\n", v.Waits)
	}
	if v.Left != nil && v.Waits == "" && v.Left.Known {
		fmt.Fprintf(t, "time left\t%s\n", v.Left.Text())
	}
	if v.Use != nil {
		fmt.Fprintf(t, "workers\t%s\n", useText(*v.Use))
		if v.Waits == "" && v.Use.Advice != "" {
			fmt.Fprintf(t, "limit\t%s\n", v.Use.Advice)
		}
	}
	if v.left != "" {
		fmt.Fprintf(t, "output\t%s\n", v.left)
	}
	for _, change := range v.Changes {
		fmt.Fprintf(t, "changed\t%s: %v\n", change.At.Local().Format(time.DateTime), change)
	}
	for _, trouble := range v.Troubles {
		fmt.Fprintf(t, "trouble\tfor %s: %s\n", now.Sub(trouble.Since).Round(time.Second), trouble)
	}
	for _, hook := range v.Webhooks {
		fmt.Fprintf(t, "webhook\t%s\n", hook)
	}
	for _, garbage := range v.Garbage[:min(len(v.Garbage), maxFailures)] {
		fmt.Fprintf(t, "garbage\t%s\n", garbage)
	}
	for _, failure := range v.Failures[:min(len(v.Failures), maxFailures)] {
		fmt.Fprintf(t, "failed\t%s\n", failure)
	}
}

// useText says what the places of workers are used for.
func useText(u forecast.Use) string {
	var parts []string
	for _, share := range u.Shares {
		parts = append(parts, fmt.Sprintf("%.0f %% %s", 100*share.Of, share.Name))
	}
	return strings.Join(parts, ", ")
}

// compare compares the job with the records of its output.
func (v *jobView) compare(ctx context.Context, status crawler.Status, out string) error {
	where := resultsOf(out, v.Name)
	sum, whole, err := countRecords(ctx, status, v.Counters, where)
	switch {
	case errors.Is(err, export.ErrNoOutput):
		return usage("%v", err)
	case err != nil:
		return failed("%v", err)
	case !whole || !keepsRecords(v.Settings.Format):
		return usage("the output of job %s does not have a record for every URL (format: %s): it cannot be compared with what is settled", v.Name, strings.Join(v.Settings.Format, ","))
	}
	v.Records, v.Missing = sum, sum.Missing()
	return nil
}

// printNumbers shows the progress of a job.
func printNumbers(w io.Writer, v jobView) {
	n := v.Counters
	fmt.Fprintf(w, "pages\t%d, %s\nwaiting\t%d of %d seen, %d in flight\nhosts\t%d: %d due, %d armed, %d open\noutcomes\t%s\nvisits\t%d, %d lost their worker\n",
		n.Pages(), plain.Bytes(n.Bytes), n.Waiting, n.Seen, n.Flight, n.Hosts, n.Due, n.Armed, n.Open, outcomesText(n),
		n.Visits, n.Broken)
	if n.Spilled > 0 {
		fmt.Fprintf(w, "spilled\t%d of those that wait\n", n.Spilled)
	}
	printFreshness(w, v)
	if shipping := account.Shipping(n); shipping != "" {
		fmt.Fprintf(w, "records\t%s\n", shipping)
	}
	if v.Missing > 0 {
		fmt.Fprintf(w, "records\t%s\n", v.Records.Alarm(v.Name))
	}
	if unfound := account.Unfound(n); unfound > 0 && v.State.Ended() {
		fmt.Fprintf(w, "not found\t%s before `trawl job refetch` and not found again; add seeds again that you added by hand (trawl seed %s LIST)\n",
			plain.Plural(unfound, "URL was seen", "URLs were seen"), v.Name)
	}
	if causes := queue.CausesText(n); causes != "" {
		fmt.Fprintf(w, "failures\t%s\n", causes)
	}
	if skipped := queue.SkippedText(n); skipped != "" {
		fmt.Fprintf(w, "left out\t%s\n", skipped)
	}
	for _, trap := range n.Traps {
		fmt.Fprintf(w, "trap\t%s; %s\n", trap.Reason(), trap.Insist(v.Name))
	}
	if n.MoreTraps > 0 {
		fmt.Fprintf(w, "trap\tfurther patterns that look like one: %s\n", moreTraps(0, n.MoreTraps))
	}
	if n.Incomplete > 0 {
		fmt.Fprintf(w, "missing\tpages that lack a required field: %d\n", n.Incomplete)
	}
}
