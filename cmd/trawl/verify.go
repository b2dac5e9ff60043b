package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/replay"
)

// verifyCommand returns the command that finds out which parts archived pages lack.
func verifyCommand() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify JOB|DIR|FILE.wacz",
		Short: "Check whether an archive has what its pages need",
		Long: `Verify reads pages of a web archive and looks for what a browser needs to show them: images, style
sheets, scripts, fonts and media, and what style sheets name in turn. It prints what is missing, and
the share of pages that replay completely. It makes no requests. It does not find files that only a
script would request.

Exit statuses: 0 the share is at least --min, 1 it is less or the check failed, 2 usage.`,
		Example: `  trawl verify python-docs
  trawl verify site.wacz --sample 0 --min 0.95 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if o.sample < 0 {
				return usage("sample: %d is out of range: want 1 or more pages, or 0 for all", o.sample)
			}
			if o.min < 0 || o.min > 1 {
				return usage("min: %v is out of range: want 0 to 1", o.min)
			}
			return o.verify(cmd.Context(), args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.out, "out", "", "the workers' output (a folder or the URL of a bucket), for a job of a fleet")
	flags.IntVar(&o.sample, "sample", 100, "number of pages to check, at equal distances in the index (0: all)")
	flags.Float64Var(&o.min, "min", 1, "smallest share of complete pages for the exit status 0, from 0 to 1")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

type verifyOptions struct {
	out    string
	sample int
	min    float64
	json   bool
}

func (o verifyOptions) verify(ctx context.Context, name string) error {
	from, err := openArchive(ctx, o.out, name)
	if err != nil {
		return err
	}
	report, err := replay.Sample(ctx, from, o.sample)
	damaged := len(from.Damaged())
	if err = errors.Join(err, from.Close()); err != nil {
		return exportError(ctx, err)
	}
	if o.json {
		err = printJSON(stdout, report)
	} else {
		err = printReplay(stdout, report)
	}
	switch {
	case err != nil:
		return err
	case damaged > 0:
		return failed("verify: parts of the index are damaged: their captures are missing")
	case report.Share < o.min:
		return &exitError{code: exitFailed}
	}
	return nil
}

// printReplay prints a report for people.
func printReplay(w io.Writer, report *replay.Report) error {
	for _, p := range report.Broken {
		if _, err := fmt.Fprintf(w, "%s (%s)\n", p.URL, p.Time); err != nil {
			return err
		}
		if p.Error != "" {
			fmt.Fprintf(w, "  cannot be read: %s\n", p.Error)
		}
		for _, m := range p.Missing {
			via := ""
			if m.Via != "" {
				via = " (needed by " + m.Via + ")"
			}
			fmt.Fprintf(w, "  lacks %s: %s%s\n", m.URL, m.Why, via)
		}
	}
	_, err := fmt.Fprintf(w, "complete: %d of %s checked (%.1f%%); the archive has %s\n", report.Whole,
		plain.Plural(int64(report.Sampled), "page", "pages"), 100*report.Share,
		plain.Plural(int64(report.Pages), "page", "pages"))
	return err
}
