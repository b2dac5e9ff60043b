package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/heap"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// exitDifferent is the exit status of trawl diff --exit-code.
const exitDifferent = 4

// diffCommand returns the command that compares the pages of two crawls.
func diffCommand() *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "List the pages that are new, changed, gone, moved or back between two crawls",
		Long: `Diff compares two crawls: two runs of a job (JOB@previous and JOB@latest, or the time that a
run was due), two runs in a folder (DIR@…), or two folders. A page is

  new      if only the second crawl has it
  changed  if its text or its status differs
  gone     if the second crawl did not find it, or it answered 404 or 410
  moved    if it redirects to another URL than before, or it is gone and a new URL has its content
  back     if the first crawl found that it was gone or had moved, or could not fetch it

The texts of a page are compared by their fingerprints: those of the main text ("text: true" in the
job), so that menus and dates in footers do not count, or those of all of its text ("simhash: true").
Without either, or with --exact, all bytes count. A page that could not be fetched the second time,
for example because its host was down, counts as changed.

--text shows what differs in the main text of each page that has changed.

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
	cmd.Flags().BoolVar(&o.text, "text", false, "show what differs in the main text of changed pages")
	cmd.Flags().IntVar(&o.distance, "text-distance", change.TextDistance,
		"number of bits, of 64, in which the fingerprints of two texts may differ if a page is unchanged")
	cmd.Flags().BoolVar(&o.exact, "exact", false, "compare all bytes of pages instead of their texts")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with status 4 if the crawls differ")
	return cmd
}

type diffOptions struct {
	reading
	json     bool
	exitCode bool
	text     bool
	exact    bool
	distance int
}

// order returns how the crawls are compared.
func (o diffOptions) order() (export.DiffOrder, error) {
	where, err := o.condition()
	order := export.DiffOrder{Where: where, Distance: o.distance, Text: o.text, Damaged: tellDamaged}
	switch {
	case err != nil:
		return order, err
	case o.distance < 0 || o.distance > 64:
		return order, usage("text-distance: %d is out of range: want 0 to 64 bits; --exact compares all bytes", o.distance)
	case o.exact:
		order.Distance = change.Exact
	}
	return order, nil
}

func compare(ctx context.Context, before, after string, o diffOptions) error {
	order, err := o.order()
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
	sum, err := export.Diff(ctx, first, second, order,
		func(p change.Page) error { return printChange(w, p, o.json) })
	if err = errors.Join(err, w.Flush()); err != nil {
		return exportError(ctx, err)
	}
	return o.conclude(sum, sayDamaged(first, second))
}

func printChange(w io.Writer, p change.Page, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprintln(w, p)
		return err
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(p)
}

// conclude prints the totals and decides the exit status.
func (o diffOptions) conclude(sum export.Comparison, damaged int) error {
	var parts []string
	differences := 0
	for _, class := range change.Classes {
		n := sum.Changes[class]
		differences += n
		if n > 0 || class != change.Back {
			parts = append(parts, fmt.Sprintf("%d %s", n, class))
		}
	}
	fmt.Fprintf(stderr, "trawl: %s, %d unchanged\n", strings.Join(parts, ", "), sum.Same)
	if sum.Textless > 0 {
		fmt.Fprintf(stderr, "trawl: %s no text in the records: let the job keep it (text: true)\n",
			plain.Plural(int64(sum.Textless), "changed page has", "changed pages have"))
	}
	switch {
	case damaged+sum.Damaged > 0:
		return failed("diff: %s", damagedText(damaged, sum.Damaged))
	case o.exitCode && differences > 0:
		return &exitError{exitDifferent, ""}
	}
	return nil
}
