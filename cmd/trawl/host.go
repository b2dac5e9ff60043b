package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/textform"
	"github.com/trawlcrawler/trawl/tasks"
)

// hostCommand returns the command that shows and controls single hosts of a job.
func hostCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "host",
		Short: "Show the hosts of a job, and slow down, pause or limit one of them",
		Long:  "Host shows the hosts of a job, and slows down, pauses or limits one of them, also while the job runs.\n\n" + exitHelp,
		RunE:  noSubcommand,
	}
	flags := cmd.PersistentFlags()
	registerRedis(flags, &d.redis)
	flags.BoolVar(&d.json, "json", false, "print JSON")
	cmd.AddCommand(d.hostsCommand(), d.hostShowCommand(), d.hostSetCommand())
	return cmd
}

func (d *desk) hostsCommand() *cobra.Command {
	limit := 100
	cmd := &cobra.Command{
		Use:   "ls JOB",
		Short: "List hosts that are being visited or wait for a visit",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return usage("limit: %d is out of range: want 1 or more", limit)
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				hosts, err := c.Hosts(ctx, args[0], limit)
				if err != nil {
					return err
				}
				return d.showHosts(hosts)
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "largest number of hosts to list")
	return cmd
}

func (d *desk) hostShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show JOB HOST",
		Short: "Show one host of a job",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := parseHost(args[1])
			if err != nil {
				return err
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				return d.showHost(ctx, c, args[0], host)
			})
		},
	}
}

func (d *desk) hostSetCommand() *cobra.Command {
	var delay string
	var pause, resume, forgive bool
	var budget int64
	var ask []string
	cmd := &cobra.Command{
		Use:   "set JOB HOST",
		Short: "Change the delay or the budget of one host, pause it, or retry it",
		Long: `Set changes the rules for one host of a job. Settings without a flag stay as they are. A visit
in progress applies the change within seconds.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := parseHost(args[1])
			if err != nil {
				return err
			}
			// Read only the flags: TRAWL_DELAY and the like are settings of crawls.
			setsDelay, setsBudget := cmd.Flags().Changed("delay"), cmd.Flags().Changed("budget")
			delay, budget, pause, resume, forgive := delay, budget, pause, resume, forgive
			change := func(r *crawler.HostRules) error {
				if setsDelay {
					if err := setDelay(r, delay); err != nil {
						return err
					}
				}
				if setsBudget {
					r.Pages = budget
				}
				for _, p := range ask {
					if !slices.Contains(r.Ask, p) {
						r.Ask = append(r.Ask, p)
					}
				}
				r.Paused = (r.Paused || pause) && !resume
				return r.Validate()
			}
			if err := change(&crawler.HostRules{}); err != nil {
				return usage("%v", err)
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				if err := c.Govern(ctx, args[0], host, change, forgive); err != nil {
					return err
				}
				return d.showHost(ctx, c, args[0], host)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&delay, "delay", "",
		"shortest time between the starts of two requests, such as 5s, or job for the job's setting")
	flags.Int64Var(&budget, "budget", 0, "largest number of pages of the host (0: the job's setting)")
	flags.StringArrayVar(&ask, "ask", nil,
		"fetch URLs of this pattern although they look like a trap; trawl host show lists the patterns; may be repeated")
	flags.BoolVar(&pause, "pause", false, "make no requests to the host until it is resumed")
	flags.BoolVar(&resume, "resume", false, "resume a host that was paused")
	flags.BoolVar(&forgive, "retry", false,
		"retry a host now that was given up or left alone because it refused requests or could not be reached")
	cmd.MarkFlagsMutuallyExclusive("pause", "resume")
	cmd.MarkFlagsOneRequired("delay", "budget", "ask", "pause", "resume", "retry")
	return cmd
}

// setDelay parses the delay of a host. The text "job" removes it, so that the job's
// applies.
func setDelay(r *crawler.HostRules, text string) error {
	if text == "job" {
		r.Delay = nil
		return nil
	}
	delay, err := textform.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	r.Delay = (*time.Duration)(&delay)
	return nil
}

// parseHost is [queue.ParseHost] with an error about the command line.
func parseHost(text string) (crawler.Host, error) {
	host, err := queue.ParseHost(text)
	if err != nil {
		return "", usage("%v", err)
	}
	return host, nil
}

func (d *desk) showHost(ctx context.Context, c *tasks.Client, job string, host crawler.Host) error {
	status, err := c.Host(ctx, job, host)
	if err != nil {
		return err
	}
	if d.json {
		return printJSON(stdout, hostView(status))
	}
	if err := printHosts(stdout, []crawler.HostStatus{status}); err != nil {
		return err
	}
	for _, m := range status.Traps {
		fmt.Fprintf(stdout, "%s (to fetch them all the same: --ask '%s')\n", queue.TrapReason(m), m.Pattern)
	}
	return nil
}

func (d *desk) showHosts(hosts []crawler.HostStatus) error {
	if !d.json {
		return printHosts(stdout, hosts)
	}
	views := make([]any, len(hosts))
	for i, h := range hosts {
		views[i] = hostView(h)
	}
	return printJSON(stdout, views)
}

// hostView returns a host as --json shows it.
func hostView(h crawler.HostStatus) any {
	return struct {
		crawler.HostStatus
		IntervalMS int64 `json:"interval_ms"`
		DueMS      int64 `json:"due_ms"`
	}{h, h.Interval.Milliseconds(), h.Due.Milliseconds()}
}

func printHosts(w io.Writer, hosts []crawler.HostStatus) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "HOST\tSTATE\tDUE IN\tPAGES\tBUDGET\tWAITING\tIN FLIGHT\tINTERVAL\tDELAY\tSTRIKES\tTROUBLE")
	for _, h := range hosts {
		state, due := string(h.State), "-"
		switch {
		case h.Rules.Paused:
			state = "paused"
		case h.State == queue.HostDue:
			due = h.Due.Round(100 * time.Millisecond).String()
		}
		delay, budget := "job's", "job's"
		if h.Rules.Delay != nil {
			delay = h.Rules.Delay.String()
		}
		if h.Rules.Pages > 0 {
			budget = fmt.Sprint(h.Rules.Pages)
		}
		strikes := fmt.Sprint(h.ConsecutiveFailures)
		if h.GivenUp {
			strikes += " (given up)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n",
			h.Host, state, due, h.Pages, budget, h.Waiting, h.Flight, h.Interval, delay, strikes, h.Trouble)
	}
	return t.Flush()
}
