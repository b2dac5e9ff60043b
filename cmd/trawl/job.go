package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/tasks"
)

// jobCommand returns the command that controls the jobs of a fleet.
func jobCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "job",
		Short: "Create, watch and control the jobs of a fleet",
		Long:  "Job creates, watches and controls the jobs of a fleet.\n\n" + exitHelp,
		RunE:  noSubcommand,
	}
	flags := cmd.PersistentFlags()
	registerRedis(flags, &d.redis)
	flags.BoolVar(&d.json, "json", false, "print JSON")
	cmd.AddCommand(
		d.createCommand(),
		d.command("ls", "List the jobs", 0, func(ctx context.Context, c *tasks.Client, _ string) error {
			return d.list(ctx, c)
		}),
		d.showCommand(),
		d.watchCommand(),
		d.command("pause JOB", "Pause a job: it fetches nothing until it is resumed", 1, steer((*tasks.Client).Pause)),
		d.command("resume JOB", "Resume a job that was paused, or reopen one that is done; it then waits for seeds", 1,
			d.resume),
		d.setCommand(),
		d.command("cancel JOB", "Cancel a job for good; its results stay", 1, steer((*tasks.Client).Cancel)),
		d.refetchCommand(),
		d.command("rm JOB", "Remove all keys of a job that has ended from Redis; its results stay until a new job of that name sets them aside", 1, remove),
	)
	return cmd
}

// desk has the options of all commands about the jobs of a fleet: their Redis and their output
// format.
type desk struct {
	redis string
	json  bool
}

// command returns a subcommand that takes no job or one.
func (d *desk) command(use, short string, args int,
	do func(context.Context, *tasks.Client, string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(args),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error { return do(ctx, c, name) })
		},
	}
}

// with connects to the fleet for one command.
func (d *desk) with(cmd *cobra.Command, do func(context.Context, *tasks.Client) error) error {
	if err := fill(cmd); err != nil {
		return err
	}
	if err := checkRedis(d.redis); err != nil {
		return err
	}
	ctx := cmd.Context()
	client, err := tasks.Open(ctx, d.redis)
	if err != nil {
		return jobError(err)
	}
	return jobError(errors.Join(do(ctx, client), client.Close()))
}

// jobError assigns exit statuses to the errors of jobs.
func jobError(err error) error {
	var status *exitError
	var setting *crawler.SettingError
	switch {
	case err == nil, errors.As(err, &status):
		return err
	case errors.Is(err, context.Canceled):
		return &exitError{exitInterrupted, "interrupted"}
	case errors.Is(err, queue.ErrJobExists):
		return usage("%v: choose another name with --job, or remove that one (trawl job rm)", err)
	case errors.Is(err, queue.ErrNoJob):
		return usage("%v (trawl job ls lists them)", err)
	case errors.As(err, &setting):
		return usage("%v", err)
	case errors.Is(err, queue.ErrJobChanged):
		return usage("%v", err)
	case errors.Is(err, queue.ErrNoHost), errors.Is(err, queue.ErrJobEnded), errors.Is(err, queue.ErrJobRuns),
		errors.Is(err, queue.ErrJobState):
		return usage("%v", err)
	}
	return failed("%v", err)
}

// createCommand returns the command that creates a job from a job file.
func (d *desk) createCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "create FILE.yaml|-",
		Short: "Create a job from a job file or from standard input; a scheduler starts it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			s, err := usual(cmd)
			if err != nil {
				return err
			}
			if err := readJob(args[0], os.Stdin, &s); err != nil {
				return err
			}
			if name != "" {
				s.Name = name
			}
			if s.Redis != "" && !cmd.Flags().Changed("redis") {
				d.redis = s.Redis
			}
			if err := checkJob(s); err != nil {
				return err
			}
			if _, err := rules.SeedEntries(s.Job); err != nil {
				return usage("%v", err)
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				if err := c.Create(ctx, s.Job); err != nil {
					return err
				}
				if d.json {
					return d.show(ctx, c, s.Name)
				}
				sayWorkersOwn(stderr, args[0], s)
				s.askWho(hostsOf(literal(s.Seeds)))
				fmt.Fprintf(stderr, "trawl: created job %s with %s\n", s.Name,
					plain.Plural(int64(len(s.Seeds)), "seed", "seeds"))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&name, "job", "", "name of the job, instead of the file's")
	return cmd
}

// sayWorkersOwn warns about settings in a job file that each worker has to set for itself.
func sayWorkersOwn(w io.Writer, file string, s settings) {
	defaults := defaultSettings()
	for _, own := range []struct {
		name  string
		given bool
	}{
		{"out", s.Out != ""}, {"concurrency", s.Concurrency != defaults.Concurrency},
		{"allow_cidr", len(s.AllowCIDR) > 0}, {"allow_private", s.AllowPrivate},
		{"access", s.Access != ""}, {"header", len(s.Header) > 0}, {"proxy", len(s.Proxy) > 0}, {"ca", len(s.CA) > 0},
		{"insecure", len(s.Insecure) > 0}, {"identity", s.Identity != ""}, {"sign", s.Sign != defaults.Sign},
	} {
		if own.given {
			fmt.Fprintf(w, "trawl: %s: %s is ignored: on a fleet, each worker has its own (trawl worker --help)\n",
				file, own.name)
		}
	}
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// remove removes a job, and says where its results stay.
func remove(ctx context.Context, c *tasks.Client, name string) error {
	places, err := c.Kept(ctx, name)
	if err != nil {
		places = nil // the keys of the job may be garbage; remove it all the same
	}
	if err := c.Remove(ctx, name); err != nil {
		return err
	}
	for _, k := range apart(places) {
		fmt.Fprintf(stderr, "trawl: the results of %s stay in %q\n", name, k.Where)
	}
	return nil
}

// steer turns a method of the client into the function of a subcommand.
func steer(do func(*tasks.Client, context.Context, string) error) func(context.Context, *tasks.Client, string) error {
	return func(ctx context.Context, c *tasks.Client, name string) error { return do(c, ctx, name) }
}
