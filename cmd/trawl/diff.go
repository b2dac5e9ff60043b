package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/heap"
)

// exitDifferent is the exit status of trawl diff --exit-code.
const exitDifferent = 4

// diffCommand returns the command that compares the pages of two crawls.
func diffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "List the pages that are new, changed, gone or moved between two crawls",
		Long: `Diff compares two crawls: two runs of a job (JOB@previous and JOB@latest, or the time that a
run was due), two runs in a folder (DIR@…), or two folders. A page is

  new      if only the second crawl has it
  changed  if its content, by its digest, or its status differs
  gone     if the second crawl did not find it, or it answered 404 or 410
  moved    if it is gone, and a new URL has its content, or it redirects to a new URL

A page that could not be fetched the second time, for example because its host was down, counts
as changed.

` + exitHelp + `
With --exit-code:
  4    the crawls differ`,
		Example: `  trawl diff news@previous news@latest --out /data/crawls
  trawl diff monday tuesday --where 'host=example.org' --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			return compare(cmd.Context(), args[0], args[1], o)
		},
	}
	o.register(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "print each difference as a line of JSON")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with status 4 if the crawls differ")
	return cmd
}

type diffOptions struct {
	reading
	json     bool
	exitCode bool
}

func compare(ctx context.Context, before, after string, o diffOptions) error {
	where, err := o.condition()
	if err != nil {
		return err
	}
	first, err := o.find(ctx, before)
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := o.find(ctx, after)
	if err != nil {
		return err
	}
	defer second.Close()
	heap.Growth(surveyGrowth)
	w := bufio.NewWriterSize(stdout, 1<<16)
	sum, err := export.Diff(ctx, first, second, where, tellDamaged,
		func(d export.Difference) error { return printDifference(w, d, o.json) })
	if err = errors.Join(err, w.Flush()); err != nil {
		return exportError(ctx, err)
	}
	return o.conclude(sum, sayDamaged(first, second))
}

func printDifference(w *bufio.Writer, d export.Difference, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(w, d)
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// conclude prints the totals and decides the exit status.
func (o diffOptions) conclude(sum export.Comparison, damaged int) error {
	var parts []string
	differences := 0
	for _, change := range export.Changes {
		differences += sum.Changes[change]
		parts = append(parts, fmt.Sprintf("%d %s", sum.Changes[change], change))
	}
	fmt.Fprintf(stderr, "trawl: %s, %d unchanged\n", strings.Join(parts, ", "), sum.Same)
	switch {
	case damaged+sum.Damaged > 0:
		return failed("diff: %s", damagedText(damaged, sum.Damaged))
	case o.exitCode && differences > 0:
		return &exitError{exitDifferent, ""}
	}
	return nil
}
