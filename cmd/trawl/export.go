package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/heap"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
)

// exportCommand returns the command that writes the pages of a crawl, once each, in the
// requested form.
func exportCommand() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export JOB|DIR",
		Short: "Write the pages of a crawl, once each, as JSONL, CSV, Parquet, SQLite, Markdown, WARC, WACZ or a mirror",
		Long: `Export writes the records of all workers of a crawl, each page once. If a page was fetched
more than once, it writes the last record; --all writes all of them. You can run it while the crawl runs. For a job
with several runs, JOB@latest, JOB@previous or JOB@RUN names one. DIR@… does the same for
a folder that keeps the results of earlier runs.

--where compares fields with values (=, !=, <, <=, >, >=, and ~ for a regular
expression), joined by and, or, not and parentheses. The fields are those of the
records, host, and fields.NAME for what the job extracted. A time is 2026-11-01,
2026-11-01T06:00:00Z, or relative to now: -24h, -7d. A status may be 4xx.

` + exitHelp,
		Example: `  trawl export python-docs > pages.jsonl
  trawl export news@latest --out /data/crawls --where 'status>=400' --fields url,status,error --as csv
  trawl export shop --where 'host=example.org and time>=-24h' --fields url,fields.price --to prices.parquet
  trawl export site --as mirror --to site-to-read
  trawl export site --to site.wacz`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			return exportTo(cmd.Context(), args[0], o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.as, "as", "", "form: "+strings.Join(export.FormNames(), ", ")+
		" (sqlite needs the full build; default: by the extension of --to, or jsonl)")
	flags.StringVar(&o.to, "to", "",
		"file or folder to write (default: standard output); names that end in .gz or .zst are compressed")
	flags.StringSliceVar(&o.fields, "fields", nil,
		"fields to write, in this order, such as url,status,fields.price; fields.* for everything that the job extracted (default: all)")
	flags.BoolVar(&o.filled, "fill", false,
		"add to pages that have not changed since an earlier run what its records say of them")
	flags.BoolVar(&o.all, "all", false, "every record of a page that was fetched several times, instead of the last one")
	flags.BoolVar(&o.force, "force", false, "replace an existing file or folder")
	flags.BoolVar(&o.plain, "csv-plain", false,
		"write text to CSV unchanged, even if spreadsheets would take it for a formula")
	flags.BoolVar(&o.mainText, "main-text", false,
		"write the main text of each page to wet, instead of all that is visible")
	flags.BoolVar(&o.mark, "bom", false, "begin CSV with a byte order mark, so that spreadsheets read it as UTF-8")
	flags.StringVar(&o.keys, "keys", "",
		"form of the keys by which the index of warc and wacz is sorted: pywb, or warcio for ReplayWeb.page and Browsertrix (default: pywb)")
	flags.StringVar(&o.signWith, "sign-with", "", "file with the private key in PEM (ECDSA over P-384) that signs a WACZ file")
	o.register(flags)
	return cmd
}

// reading holds the options of the commands that read outputs.
type reading struct {
	out   string
	where []string
}

func (r *reading) register(flags *pflag.FlagSet) {
	flags.StringVar(&r.out, "out", "", "the workers' output folder, for a job of a fleet")
	flags.StringArrayVar(&r.where, "where", nil,
		"only pages that meet this condition; if repeated, pages must meet all of them")
}

// condition parses the --where flags.
func (r *reading) condition() (export.Condition, error) {
	var all []export.Condition
	for _, text := range r.where {
		c, err := export.ParseCondition(text, time.Now())
		if err != nil {
			return c, usage("where: %v", err)
		}
		all = append(all, c)
	}
	return export.All(all...), nil
}

// find opens an output. If the results of the crawl went to a bucket, its folder leads
// there.
func (r *reading) find(ctx context.Context, name string) (*export.Crawl, error) {
	crawl, err := export.Find(ctx, "", resultsOf(r.out, name))
	if errors.Is(err, export.ErrNoOutput) {
		return nil, usage("%v", err)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	return crawl, nil
}

type exportOptions struct {
	reading
	as, to string
	fields []string
	force  bool
	filled bool
	all    bool
	plain  bool
	mark   bool

	mainText       bool
	keys, signWith string
}

// order turns the options into an export order.
func (o exportOptions) order() (order export.Order, err error) {
	order = export.Order{To: o.to, Replace: o.force, Every: o.all, Plain: o.plain, Mark: o.mark, Out: stdout.data(),
		Damaged: tellDamaged, MainText: o.mainText, Fill: o.filled, Keys: o.keys}
	if o.signWith != "" {
		if order.SignWith, err = os.ReadFile(o.signWith); err != nil {
			return order, usage("sign-with: %v", err)
		}
	}
	if order.Where, err = o.condition(); err != nil {
		return order, err
	}
	if order.Form, err = export.ParseForm(o.as, o.to); err != nil {
		return order, usage("%v", err)
	}
	if order.Form.Binary && o.to == "" && stdout.shown() {
		return order, usage("%s is binary and cannot be written to a terminal: name a file with --to, or pipe the output", order.Form.Name)
	}
	if order.Fields, err = export.ParseFields(o.fields); err != nil {
		return order, usage("fields: %v", err)
	}
	return order, nil
}

// surveyGrowth is how much garbage, in percent, may accumulate in memory while lines are
// surveyed. Surveying produces a lot of garbage without pointers, so collecting it is
// cheap.
const surveyGrowth = 20

func tellDamaged(at string, err error) {
	fmt.Fprintf(stderr, "trawl: left out: %s: %v\n", at, err)
}

func exportTo(ctx context.Context, name string, o exportOptions) error {
	order, err := o.order()
	if err != nil {
		return err
	}
	where := o.folderOf(name)
	note, err := localcrawl.ReadNote(where) // first, because the records may still grow
	if err != nil {
		note = nil
	}
	crawl, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	heap.Growth(surveyGrowth)
	sum, err := export.Export(ctx, crawl, order)
	missing := ""
	if err == nil && crawl.Whole() {
		if settled, called, known := settledIn(where, note, crawl); known {
			missing = account.Comparison{Settled: settled, Records: int64(sum.Pages)}.Alarm(called)
		}
	}
	damaged := sayDamaged(crawl)
	err = errors.Join(err, crawl.Close())
	switch {
	case errors.Is(err, export.ErrExists):
		return usage("%v (--force replaces it)", err)
	case errors.Is(err, export.ErrOrder):
		return usage("%v", err)
	case err != nil:
		return exportError(ctx, err)
	}
	if o.to != "" {
		fmt.Fprintf(stderr, "trawl: %d of %s are in %s\n", sum.Written, pagesText(int64(sum.Pages)), o.to)
	}
	var lacks []error
	if damaged+sum.Damaged > 0 {
		lacks = append(lacks, failed("export: in %q, %s", crawl.String(), damagedText(damaged, sum.Damaged)))
	}
	if missing != "" {
		lacks = append(lacks, failed("export: %s", missing))
	}
	return errors.Join(lacks...)
}

// folderOf returns where the output that the user named is.
func (o exportOptions) folderOf(name string) string {
	if o.out != "" && !output.IsBucket(name) {
		return output.Join(o.out, name)
	}
	return name
}

func exportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, "interrupted"}
	}
	return failed("export: %v", err)
}
