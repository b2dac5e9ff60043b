package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/tasks"
)

// refetchCommand fetches the pages again that were lost with a worker before they were
// shipped to their bucket.
func (d *desk) refetchCommand() *cobra.Command {
	var lost string
	cmd := &cobra.Command{
		Use:   "refetch JOB",
		Short: "Fetch the pages again that a lost worker had not shipped to the bucket",
		Long: `Refetch puts the pages back into the queues of a running job that were settled, but not
shipped to the bucket before their worker was lost. The schedulers do this by
themselves when a worker has not been heard of for --lost-after; with --lost you
name a worker that you know does not come back, and its pages come back at once.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				urls, err := c.Refetch(ctx, args[0], lost)
				if err != nil {
					return err
				}
				if d.json {
					return printJSON(stdout, map[string]int64{"urls": urls})
				}
				fmt.Fprintf(stdout, "%d URLs of job %s are fetched again\n", urls, args[0])
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&lost, "lost", "", "name of a worker that does not come back")
	return cmd
}
