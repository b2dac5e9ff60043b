package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/export"
	"github.com/trawlcrawler/trawl/internal/heap"
)

// exitDifferent is the exit status of trawl diff --exit-code.
const exitDifferent = 4

// diffCommand tells what became of the pages between two crawls.
func diffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Tell which pages are new, changed, gone or moved between two crawls",
		Long: `Diff compares two crawls: runs of a job (JOB@previous and JOB@latest, or the tick of a
run), runs of a folder (DIR@…), or two folders. A page is

  new      when it is there, and was not
  changed  when its content, by its digest, or its status is another
  gone     when it is not met any more, or answered with 404 or 410
  moved    when it is gone, and a new URL has its content, or is where it redirects to

What could not be fetched the second time, as its host was down, counts as changed.

` + exitHelp + `
With --exit-code:
  4    the crawls differ`,
		Example: `  trawl diff news@previous news@latest --out /data/crawls
  trawl diff monday tuesday --where 'host=example.org' --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return compare(cmd.Context(), args[0], args[1], o)
		},
	}
	o.register(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "print each difference as a line of JSON")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with status 4 when the crawls differ")
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
	sum, err := export.Diff(ctx, first, second, where, tellDamaged, func(d export.Difference) error { return printDifference(w, d, o.json) })
	if err = errors.Join(err, w.Flush()); err != nil {
		return exportError(ctx, err)
	}
	return o.conclude(sum)
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

// conclude tells the numbers, and decides the exit status.
func (o diffOptions) conclude(sum export.Comparison) error {
	var parts []string
	differences := 0
	for _, change := range export.Changes {
		differences += sum.Changes[change]
		parts = append(parts, fmt.Sprintf("%d %s", sum.Changes[change], change))
	}
	fmt.Fprintf(stderr, "trawl: %s, %d as before\n", strings.Join(parts, ", "), sum.Same)
	switch {
	case sum.Damaged > 0:
		return failed("diff: %d lines are damaged and were left out", sum.Damaged)
	case o.exitCode && differences > 0:
		return &exitError{exitDifferent, ""}
	}
	return nil
}
