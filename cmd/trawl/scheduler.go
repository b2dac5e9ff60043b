package main

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/webhook"
)

// schedulerCommand returns the command that runs a scheduler of a fleet.
func schedulerCommand() *cobra.Command {
	s := defaultSettings()
	s.Listen, s.Redis = "127.0.0.1:9090", setting.DefaultRedis
	var hooks webhookFlags
	cmd := &cobra.Command{
		Use:   "scheduler",
		Short: "Start jobs and enqueue visits for the hosts that are due",
		Long: `Scheduler starts jobs, enqueues visits for the hosts that are due, takes back what dead
workers left, and finishes jobs. It also runs the tasks in the asynq queue crawl:seed, with
which other programs add seeds, and tells webhooks of jobs what happens to them. Any number of
schedulers may run; they need no leader.

` + exitHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			sending, err := hooks.config()
			if err != nil {
				return err
			}
			return s.run(cmd.Context(), func(ctx context.Context, conn *fleet.Connection) error {
				return fleet.RunScheduler(ctx, conn, sending)
			})
		},
	}
	s.registerIn(cmd.Flags(), setting.InFleet)
	hooks.register(cmd.Flags())
	return cmd
}

// webhookFlags are the flags for sending events to webhooks.
type webhookFlags struct {
	secrets  string
	networks []string
}

func (w *webhookFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&w.secrets, "webhook-secrets", "",
		"folder with a file for each secret that jobs sign their events with (docs/events.md)")
	flags.StringSliceVar(&w.networks, "webhook-cidr", nil,
		"private networks in which webhooks may be, such as 10.0.0.0/8 (default: only public addresses)")
}

// config returns how events are sent.
func (w *webhookFlags) config() (webhook.Config, error) {
	networks, err := rules.ParsePrefixes(w.networks)
	if err != nil {
		return webhook.Config{}, usage("webhook-cidr: %v", err)
	}
	return webhook.Config{AllowCIDR: networks, Secrets: webhook.Secrets{Dir: w.secrets}}, nil
}
