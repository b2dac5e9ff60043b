package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// parseTime is how long parsing a page may take, as in a crawl.
const parseTime = 20 * time.Second

// extractCommand returns the command that tries a job's extraction rules on one page.
func extractCommand() *cobra.Command {
	s := defaultSettings()
	var base string
	var explain bool
	cmd := &cobra.Command{
		Use:   "extract URL|FILE|-",
		Short: "Try a job's extraction and link rules on one page, and say why a field is empty",
		Long: `Extract reads one page as a crawl with the same job file would, and prints what it extracts
as JSON. On standard error it says for each field where it looked, how many matches it found,
what the first text was, and why the field is empty. It also says how the main text was found, if
the job asks for it, and which links the job would follow.

A URL is fetched as trawl fetch does it: robots.txt is obeyed and private addresses are guarded. A
file or standard input has no URL: give it one with --url.

Exit statuses:
  0    done
  1    failed
  2    usage: a flag, setting or file cannot be used
  3    the page could not be fetched or is not HTML, or it lacks a required field
  130  interrupted`,
		Example: `  trawl extract -f shop.yaml https://shop.example/product/17
  trawl extract -f shop.yaml saved.html --url https://shop.example/product/17
  curl -s https://shop.example/ | trawl extract - --select 'headings[]=h2'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			if err := s.sharesStdin(args); err != nil {
				return err
			}
			s.Name = cmp.Or(s.Name, "extract")
			if err := checkJob(s); err != nil {
				return err
			}
			page, err := onePage(cmd.Context(), s, args[0], base)
			if err != nil {
				return err
			}
			return extract(cmd.Context(), s, page, explain)
		},
	}
	s.register(cmd.Flags())
	cmd.Flags().StringVar(&base, "url", "",
		"URL of the page in a file: relative links are resolved against it, and rules are matched against it")
	cmd.Flags().BoolVar(&explain, "explain", true, "say on standard error where each field's value came from")
	return cmd
}

// extracted is what extract prints.
type extracted struct {
	URL     string         `json:"url"`
	Title   string         `json:"title"`
	Charset string         `json:"charset"`
	Guessed bool           `json:"charset_guessed,omitempty"`
	Fields  map[string]any `json:"fields"`
	Missing []string       `json:"missing"` // required fields that the page lacks
	Follow  []string       `json:"follow"`  // links that the job's rules follow and its scope allows
	mainText
	Simhash string `json:"simhash,omitempty"`
}

// mainText is what a record says about the main text of a page, if the job asks for it.
type mainText struct {
	Text      string                       `json:"text,omitempty"`
	Markdown  string                       `json:"markdown,omitempty"`
	Extractor string                       `json:"extractor,omitempty"`
	TextShare *float64                     `json:"text_share,omitempty"`
	Hard      string                       `json:"hard,omitempty"`
	Language  string                       `json:"language,omitempty"`
	Declared  string                       `json:"declared_language,omitempty"`
	Quality   *crawler.Quality             `json:"quality,omitempty"`
	Texts     map[string]crawler.OtherText `json:"texts,omitempty"`
	MinHash   []string                     `json:"minhash,omitempty"`
}

func mainTextOf(rec crawler.Record) mainText {
	return mainText{
		Text: rec.Text, Markdown: rec.Markdown, Extractor: rec.Extractor, TextShare: rec.TextShare, Hard: rec.Hard,
		Language: rec.Language, Declared: rec.DeclaredLanguage, Quality: rec.Quality, Texts: rec.Texts,
		MinHash: rec.MinHash,
	}
}

// extract runs the command on a page.
func extract(ctx context.Context, s settings, page *fetched.Page, explain bool) error {
	parser, err := parse.New(parse.JobConfig(s.Job, fetched.Needs{}))
	if err != nil {
		return usage("%s", s.source.locate(err))
	}
	ctx, cancel := context.WithTimeout(ctx, parseTime)
	defer cancel()
	doc, findings, err := parser.Explain(ctx, page)
	switch {
	case err != nil:
		return failed("parse %s: %v", page.URL, err)
	case doc == nil || doc.Charset == "":
		return &exitError{exitNothing, fmt.Sprintf("%s is not HTML: its type is %q", page.URL,
			page.Header.Get("Content-Type"))}
	}
	result := &fetched.Result{
		Job: s.Name, Entry: queue.Entry{URL: page.URL}, Outcome: crawler.OutcomeFetched, Page: page, Document: doc,
	}
	ways, err := waysOf(s.Job, result)
	if err != nil {
		return usage("%v", err)
	}
	rec := result.Record(false)
	out := extracted{
		URL: page.URL.String(), Title: doc.Title, Charset: rec.Charset, Guessed: rec.CharsetGuessed,
		Fields: doc.Fields, Missing: []string{}, Follow: []string{}, mainText: mainTextOf(rec), Simhash: rec.Simhash,
	}
	for _, m := range doc.Missing {
		out.Missing = append(out.Missing, m.Field)
	}
	for _, p := range ways {
		if p.refused == "" {
			out.Follow = append(out.Follow, p.url.String())
		}
	}
	if explain {
		explainFields(stderr, s.Extract, page.URL, doc, findings)
		explainText(stderr, rec)
		explainWays(stderr, s.Job, result, ways)
	}
	if err := printJSON(stdout, out); err != nil {
		return failed("%v", err)
	}
	if len(doc.Missing) > 0 {
		return &exitError{exitNothing, "required fields are missing: " + strings.Join(out.Missing, ", ")}
	}
	return nil
}

// onePage reads the page that an argument names.
func onePage(ctx context.Context, s settings, arg, base string) (*fetched.Page, error) {
	if strings.Contains(arg, "://") {
		if base != "" {
			return nil, usage("url: --url is for a file, but %q is a URL itself", arg)
		}
		return fetchPage(ctx, s, arg)
	}
	var file io.Reader = os.Stdin
	if arg != "-" {
		opened, err := os.Open(arg)
		if err != nil {
			return nil, usage("%q is neither a URL (with http:// or https://) nor a file: %v", arg, err)
		}
		defer opened.Close()
		file = opened
	}
	return readPage(file, arg, base, int64(s.BodyLimit))
}
