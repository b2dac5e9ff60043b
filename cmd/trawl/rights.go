package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/rights"
)

// rightsCommand reports what sites say about the use of their pages.
func rightsCommand() *cobra.Command {
	var o rightsOptions
	cmd := &cobra.Command{
		Use:   "rights JOB|DIR",
		Short: "Summarize by host what sites say about the use of their pages",
		Long: `Rights reads the records of a crawl, each page once, and counts the statements of each host about
the use of its pages: Content-Usage, Content-Signal, the TDM Reservation Protocol, licences, noai.
It makes no requests. See docs/rights.md.

Reserved are the pages that a statement reserves for --purpose or, without that flag, for the
purpose of the job. The statements are in the records, so you can ask for any purpose after the
crawl.

` + exitHelp,
		Example: `  trawl rights python-docs
  trawl rights news --out /data/crawls --purpose train-ai --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			if o.purpose != "" && !slices.Contains(rights.Purposes, crawler.Purpose(o.purpose)) {
				return usage("purpose: %q is unknown%s: want one of %v", o.purpose,
					plain.Suggest(o.purpose, purposeNames()), rights.Purposes)
			}
			return o.report(cmd.Context(), args[0])
		},
	}
	flags := cmd.Flags()
	o.register(flags)
	flags.StringVar(&o.purpose, "purpose", "",
		"what pages are used for: search, ai-input, train-ai, tdm or archive (default: the job's purpose)")
	flags.BoolVar(&o.asJSON, "json", false, "print JSON, a line for each host")
	return cmd
}

func purposeNames() (all []string) {
	for _, p := range rights.Purposes {
		all = append(all, string(p))
	}
	return all
}

type rightsOptions struct {
	reading
	purpose string
	asJSON  bool
}

func (o rightsOptions) report(ctx context.Context, name string) error {
	where, err := o.condition()
	if err != nil {
		return err
	}
	crawl, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	survey, err := o.survey(ctx, crawl, where)
	damaged := sayDamaged(crawl)
	if err = errors.Join(err, crawl.Close()); err != nil {
		return failed("rights: %v", err)
	}
	if o.asJSON {
		err = printHostRights(stdout, survey.Hosts())
	} else {
		err = printSurvey(stdout, survey.Hosts())
	}
	if damaged > 0 {
		err = errors.Join(err, failed("rights: %s cannot be read completely: the rest is missing from the numbers",
			plain.Plural(int64(damaged), "file", "files")))
	}
	return err
}

// survey counts what was fetched, and what was not fetched because it is reserved.
func (o rightsOptions) survey(
	ctx context.Context, crawl *export.Crawl, where export.Condition,
) (*rights.Survey, error) {
	survey := new(rights.Survey)
	err := crawl.Last(ctx, func(line *export.Record) error {
		if chosen, err := where.Match(line); err != nil || !chosen {
			return nil // a damaged record is reported with its file
		}
		rec, err := line.Read()
		if err != nil || rec.Outcome != crawler.OutcomeFetched && len(rec.Rights) == 0 {
			return nil
		}
		u, err := crawler.ParseURL(rec.FinalURL)
		if err != nil {
			return nil
		}
		survey.Add(u.Host(), rec.Rights, o.reserved(rec))
		return nil
	})
	return survey, err
}

func (o rightsOptions) reserved(rec crawler.Record) bool {
	if o.purpose == "" {
		return rec.Usage != nil && rec.Usage.ReservedFor != ""
	}
	_, reserved := rights.Reserved(crawler.Purpose(o.purpose), rec.ContentType, rec.Rights)
	return reserved
}

func printHostRights(w io.Writer, hosts []rights.HostRights) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, h := range hosts {
		if err := lines.Encode(h); err != nil {
			return err
		}
	}
	return nil
}

// printSurvey prints the hosts that say anything, and counts the others.
func printSurvey(w io.Writer, hosts []rights.HostRights) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "HOST\tPAGES\tSTATED\tRESERVED")
	var silent, pages int64
	for _, h := range hosts {
		if h.Stated == 0 {
			silent, pages = silent+1, pages+h.Pages
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\n", h.Host, h.Pages, h.Stated, h.Reserved)
		for _, s := range h.Statements {
			fmt.Fprintf(t, "  %s\t%d\n", plain.Printable(s.Text()), s.Pages)
		}
		if h.Omitted > 0 {
			fmt.Fprintf(t, "  other statements\t%d\n", h.Omitted)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if silent > 0 {
		fmt.Fprintf(w, "%s with %s state nothing\n", plain.Plural(silent, "host", "hosts"),
			plain.Plural(pages, "page", "pages"))
	}
	return nil
}
