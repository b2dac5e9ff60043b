package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/heap"
	"github.com/trawlcrawler/trawl/internal/linkcheck"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// checkFormats are what a check writes: what happened to each URL, and which page links where.
var checkFormats = []string{"jsonl", "links"}

// checkCommand returns the command that finds broken links.
func checkCommand() *cobra.Command {
	s := checkSettings()
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check URL…",
		Short: "Find broken links, and the pages that have them",
		Long: `Check crawls sites as trawl crawl does, and finds the links that do not work. Links that lead out
of scope are requested once, by HEAD or, if that fails, by GET. They are not read. With
--resources, images, style sheets and scripts are checked as well. robots.txt, delays and the guard
of private addresses hold for every host; what they forbid counts as not checked.

The report lists each broken link with the pages that have it. The records and the link graph go
to a folder. The same command resumes a check that was interrupted, and repeats one that is
finished, whose results it keeps until the next repetition. With --from it prints the report of an
earlier check again, or that of any other job with check: links.

Exit statuses:
  0    no link is broken
  1    links are broken, or the check failed
  2    usage: a flag, setting, seed or file cannot be used
  3    nothing could be fetched
  130  interrupted; the same command resumes the check`,
		Example: `  trawl check https://example.com/
  trawl check http://localhost:8000/ --delay 0 --resources --json
  trawl check https://example.com/ --ignore '/login$' --warn-redirects
  trawl check --from check-example-com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			if err := o.prepare(&s); err != nil {
				return err
			}
			if o.from == "" {
				return check(cmd.Context(), s, o, args)
			}
			if len(args) > 0 {
				return usage("from: --from reads the results of a check, so there is nothing to do for %q", args[0])
			}
			return o.report(cmd.Context(), o.from, nil)
		},
	}
	s.register(cmd.Flags())
	for _, fixed := range fixedInChecks {
		_ = cmd.Flags().MarkHidden(fixed) // it fails only if there is no such flag
	}
	o.register(cmd.Flags())
	return cmd
}

// fixedInChecks are settings that a check decides itself.
var fixedInChecks = []string{"check", "format"}

// checkSettings returns the defaults of a check. It gives hosts up sooner than a crawl does,
// because many links lead to hosts that are gone.
func checkSettings() settings {
	s := defaultSettings()
	s.Check, s.Format, s.ResourceScope = crawler.CheckLinks, slices.Clone(checkFormats), s.Scope
	s.Timeout = 20 * time.Second
	s.Retries, s.HostTries, s.RobotsTries = 1, 2, 2
	return s
}

type checkOptions struct {
	ignore  []string
	moved   bool
	parts   bool
	json    bool
	from    string
	pattern []*regexp.Regexp // ignore, compiled
	same    []string         // of the job
}

func (o *checkOptions) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&o.ignore, "ignore", nil,
		"neither request nor report URLs that match this regular expression; may be repeated")
	flags.BoolVar(&o.moved, "warn-redirects", false,
		"also list links that redirect permanently, with where they lead now")
	flags.BoolVar(&o.parts, "fragments", false,
		"also report links to fragments (page#id) that the page lacks; keeps the bodies of pages")
	flags.BoolVar(&o.json, "json", false, "print each finding as a line of JSON")
	flags.StringVar(&o.from, "from", "", "report on the results in this folder or bucket, instead of checking")
}

// prepare completes the settings of the job and checks the options.
func (o *checkOptions) prepare(s *settings) error {
	for _, fixed := range fixedInChecks {
		if s.origins[fixed] == "--"+fixed {
			return usage("%s: trawl check decides this setting itself: leave out --%s", fixed, fixed)
		}
	}
	s.Check, s.Format, s.Follow = crawler.CheckLinks, slices.Clone(checkFormats), true
	if o.parts {
		s.Format = append(s.Format, "files")
	}
	if s.origins["resource_scope"] == "" {
		s.ResourceScope = s.Scope // resources elsewhere are checked, too
	}
	s.Exclude = append(slices.Clone(s.Exclude), o.ignore...)
	o.same, o.pattern = s.Same, nil
	for _, text := range o.ignore {
		re, err := regexp.Compile(text)
		if err != nil {
			return usage("ignore: %q is not a regular expression: %v", text, err)
		}
		o.pattern = append(o.pattern, re)
	}
	return nil
}

// check runs the command.
func check(ctx context.Context, s settings, o checkOptions, args []string) error {
	seeds, err := s.crawlSeeds(ctx, args, "check-", "")
	if err != nil {
		return err
	}
	repeats := false
	if !s.restart {
		was, err := localcrawl.ReadNote(s.folder())
		if err != nil {
			return usage("%v", err)
		}
		repeats = was != nil && was.State == string(crawler.StateDone) && was.Job == s.Name
		s.restart = repeats
	}
	_, err = carryOut(ctx, s, slices.Values(seeds))
	if repeats && !output.IsBucket(s.Out) {
		if err := fleet.KeepLastAside(s.Out); err != nil {
			fmt.Fprintln(stderr, "trawl: "+err.Error())
		}
	}
	var status *exitError
	if err != nil && (!errors.As(err, &status) || status.code != exitNothing) {
		return err
	}
	return o.report(ctx, s.Out, err)
}

// report prints what is broken in the results of a check, whose own error is checked.
func (o *checkOptions) report(ctx context.Context, where string, checked error) error {
	crawl, err := export.Find(ctx, "", where)
	if errors.Is(err, export.ErrNoOutput) {
		if checked != nil {
			return checked
		}
		return usage("%v", err)
	}
	if err != nil {
		return failed("%v", err)
	}
	heap.Growth(surveyGrowth)
	found, err := linkcheck.Find(ctx, crawl, linkcheck.Config{Ignore: o.pattern, Same: o.same, Moved: o.moved,
		Fragments: o.parts})
	damaged := sayDamaged(crawl)
	if err = errors.Join(err, crawl.Close()); err != nil {
		return exportError(ctx, err)
	}
	if err := o.print(stdout, found); err != nil {
		return failed("%v", err)
	}
	fmt.Fprintln(stderr, "trawl: "+o.summary(found))
	switch {
	case damaged > 0:
		return failed("check: %s", damagedText(damaged, 0))
	case found.Count(linkcheck.Broken) > 0:
		return &exitError{exitFailed, ""}
	}
	return checked
}

// summary says how many links are broken.
func (o *checkOptions) summary(found *linkcheck.Report) string {
	broken, moved := found.Count(linkcheck.Broken), found.Count(linkcheck.Moved)
	open := found.Count(linkcheck.Unchecked)
	text := plain.Plural(int64(broken), "link is", "links are") + " broken"
	if broken == 0 {
		text = "no link is broken"
	}
	if open > 0 {
		text += fmt.Sprintf(", %d could not be checked", open)
	}
	if moved > 0 {
		text += fmt.Sprintf(", %d redirect permanently", moved)
	}
	text += ", of " + plain.Plural(int64(found.URLs), "URL", "URLs")
	if o.parts && found.Bodies == 0 {
		text += "; fragments were not checked, because the results have no bodies of pages (check with --fragments)"
	}
	if !found.Graph && broken > 0 {
		text += "; the results have no link graph (format links), so each link has only the first page"
	}
	return text
}

func (o *checkOptions) print(w io.Writer, found *linkcheck.Report) error {
	if !o.json {
		return printFindings(w, found.Findings)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, f := range found.Findings {
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	return nil
}

// listedPages is how many pages of a finding people see.
const listedPages = 10

// findingTitles are the headings of the report.
var findingTitles = map[linkcheck.Kind]string{
	linkcheck.Broken: "BROKEN", linkcheck.Unchecked: "NOT CHECKED", linkcheck.Moved: "MOVED PERMANENTLY",
}

// printFindings prints the report for people: each URL with why, and below it the pages.
func printFindings(w io.Writer, findings []linkcheck.Finding) error {
	var b strings.Builder
	var last linkcheck.Kind
	for _, f := range findings {
		if f.Kind != last {
			if last != "" {
				b.WriteByte('\n')
			}
			fmt.Fprintln(&b, findingTitles[f.Kind])
			last = f.Kind
		}
		fmt.Fprintf(&b, "%s  %s%s\n", f.URL, findingText(f), findingTarget(f))
		for _, p := range f.Pages[:min(len(f.Pages), listedPages)] {
			fmt.Fprintf(&b, "    on %s%s\n", p.URL, linkText(p))
		}
		if more := len(f.Pages) - listedPages + f.More; len(f.Pages) > listedPages {
			fmt.Fprintf(&b, "    and %s\n", plain.Plural(int64(more), "more page", "more pages"))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// findingText says why a link is broken or was not checked.
func findingText(f linkcheck.Finding) string {
	switch {
	case f.Kind == linkcheck.Moved:
		return "now at " + f.To
	case f.Kind == linkcheck.Broken && f.Class == crawler.ErrorHTTP && f.Status > 0:
		return strings.TrimSpace(fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)))
	case f.Kind == linkcheck.Broken && f.Class != "":
		return string(f.Class) + ": " + f.Reason
	}
	return f.Reason
}

// findingTarget says where the redirects of a link lead.
func findingTarget(f linkcheck.Finding) string {
	if f.To == "" || f.Kind == linkcheck.Moved {
		return ""
	}
	return ", at " + f.To
}

// linkText describes a link of a page.
func linkText(p linkcheck.Page) string {
	switch {
	case p.Text != "":
		return fmt.Sprintf("  %q", shortened(p.Text))
	case p.Kind == fetched.ReferenceAnchor || p.Kind == "":
		return ""
	}
	return "  (" + string(p.Kind) + ")"
}
