package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/audit"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// auditCommand reports how polite crawls were.
func auditCommand() *cobra.Command {
	var out string
	var each, asJSON bool
	cmd := &cobra.Command{
		Use:   "audit JOB|DIR|URL…",
		Short: "Check from its request journals how polite a crawl was",
		Long: `Audit reads the journals of a crawl (requests-*.jsonl), in which its workers record every request.
From these alone it computes the smallest gap between two requests to a host and to an address,
and counts requests that came too early, requests that robots.txt forbids, and requests made
before the end of a Retry-After. With --each it also lists every host and every address, those
with the smallest gaps first.

Several outputs are judged together, as a site sees them: gaps are measured between requests of
all jobs. Only jobs with politeness: job are judged separately. For the output of a fleet, which
has a folder for each job, you can name the parent folder.

Exit statuses: 0 no violation, 1 violations or a failure, 2 usage.`,
		Example: `  trawl audit python-docs
  trawl audit news --out /data/crawls --json
  trawl audit /data/crawls`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			var where []string
			for _, arg := range args {
				where = append(where, resultsOf(out, arg))
			}
			return auditOutputs(cmd.Context(), where, each, asJSON, stdout)
		},
	}
	cmd.Flags().StringVar(&out, "out", "",
		"the workers' output (a folder or the URL of a bucket), for a job of a fleet")
	cmd.Flags().BoolVar(&each, "each", false,
		"also list each host and each address with its requests and its smallest gap")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func auditOutputs(ctx context.Context, where []string, each, asJSON bool, w io.Writer) error {
	journals, err := journalsOf(ctx, where)
	if err != nil {
		return err
	}
	found, err := audit.Judge(ctx, journals, each)
	if err != nil {
		return failed("audit: %v", err)
	}
	if asJSON {
		err = printJSON(w, found)
	} else {
		err = found.Print(w)
	}
	if n := len(found.Damaged); err == nil && found.Violations > 0 && n == 0 {
		return &exitError{code: exitFailed}
	} else if n > 0 {
		err = errors.Join(err, failed("audit: %s of the journals cannot be read: the missing parts may contain violations",
			plain.Plural(int64(n), "part", "parts")))
	}
	return err
}
