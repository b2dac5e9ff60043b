package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

// seedCommand brings URLs to a job of a fleet.
func seedCommand() *cobra.Command {
	d := &desk{}
	var create bool
	cmd := &cobra.Command{
		Use:   "seed JOB [URL…|FILE|-]",
		Short: "Bring URLs to a job: arguments, files (plain, .gz, .zst), or a pipe",
		Long: `Seed brings URLs to a job that has not ended. To bring the same again changes nothing.
With --create a job that is not there is created, with the default settings; for others,
write a job file for "trawl job create".

` + exitHelp,
		Example: `  trawl seed --create news https://example.com/ https://example.org/
  trawl seed news urls.txt.zst
  psql -Atc 'select url from sites' | trawl seed news -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return usage("no seeds: name URLs, files of URLs, or - for standard input")
			}
			urls, err := linesOf(args[1:], os.Stdin)
			if err != nil {
				return err
			}
			return d.with(cmd, func(ctx context.Context, c *tasks.Client) error {
				if create {
					if err := createPlain(ctx, c, args[0]); err != nil {
						return err
					}
				}
				return d.seed(ctx, c, args[0], urls)
			})
		},
	}
	registerRedis(cmd.Flags(), &d.redis)
	cmd.Flags().BoolVar(&d.json, "json", false, "answer in JSON")
	cmd.Flags().BoolVar(&create, "create", false, "create the job, with the default settings, if there is none of the name")
	return cmd
}

// createPlain creates a job with the default settings, unless it is there.
func createPlain(ctx context.Context, c *tasks.Client, name string) error {
	s := defaultSettings()
	s.Name = name
	if err := checkJob(s); err != nil {
		return err
	}
	err := c.Create(ctx, s.Job)
	if errors.Is(err, crawler.ErrJobExists) {
		return nil
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "trawl: job %s is created\n", name)
	}
	return err
}

func (d *desk) seed(ctx context.Context, c *tasks.Client, job string, urls iter.Seq2[string, error]) error {
	began := time.Now()
	sum, err := c.Seed(ctx, job, urls, func(s crawler.Seeding) {
		fmt.Fprintf(os.Stderr, "%s\n", seedingText(s, time.Since(began)))
	})
	if d.json {
		err = joinPrint(err, printJSON(os.Stdout, sum))
	} else {
		for _, r := range sum.Refusals {
			fmt.Fprintf(os.Stderr, "trawl: left out: line %d: %s\n", r.Line, r.Reason)
		}
		fmt.Fprintf(os.Stderr, "trawl: %s: %s\n", job, seedingText(sum, time.Since(began)))
	}
	if err == nil && sum.Admitted+sum.Seen == 0 {
		return usage("none of the seeds can be crawled")
	}
	return err
}

func joinPrint(err, printed error) error {
	if err != nil {
		return err
	}
	return printed
}

// seedingText puts what became of seeds into words.
func seedingText(s crawler.Seeding, took time.Duration) string {
	total := s.Admitted + s.Seen + s.Refused
	return fmt.Sprintf("%d URLs, %d new, %d known, %d refused, %s a second",
		total, s.Admitted, s.Seen, s.Refused, short(float64(total)/max(took.Seconds(), 0.001)))
}

// linesOf yields the URLs that the arguments name: URLs, files, and - for
// standard input. It fails on a file that is not there before any is read.
func linesOf(args []string, stdin io.Reader) (iter.Seq2[string, error], error) {
	for _, arg := range args {
		if arg == "-" || strings.Contains(arg, "://") {
			continue
		}
		if info, err := os.Stat(arg); err != nil || info.IsDir() {
			return nil, usage("%q is neither a URL (with http:// or https://) nor a file of URLs", arg)
		}
	}
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			if !yieldLines(arg, stdin, yield) {
				return
			}
		}
	}, nil
}

// yieldLines yields the URLs of one argument.
func yieldLines(arg string, stdin io.Reader, yield func(string, error) bool) bool {
	switch {
	case arg == "-":
		return yieldList("standard input", stdin, yield)
	case strings.Contains(arg, "://"):
		return yield(arg, nil)
	}
	file, err := os.Open(arg)
	if err != nil {
		return yield("", err)
	}
	defer file.Close()
	return yieldList(arg, file, yield)
}

// yieldList yields the lines of a list, which may be compressed.
func yieldList(name string, r io.Reader, yield func(string, error) bool) bool {
	plain, err := decompress(r)
	if err != nil {
		return yield("", fmt.Errorf("%s: %w", name, err))
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(make([]byte, 64<<10), longestLine)
	for lines.Scan() {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if !yield(text, nil) {
			return false
		}
	}
	if err := lines.Err(); err != nil {
		return yield("", fmt.Errorf("%s can not be read to its end: %w", name, err))
	}
	return true
}

// decompress tells gzip and zstd by their first bytes.
func decompress(r io.Reader) (io.Reader, error) {
	peek := bufio.NewReaderSize(r, 64<<10)
	head, _ := peek.Peek(4)
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return gzip.NewReader(peek)
	case len(head) == 4 && string(head) == "\x28\xb5\x2f\xfd":
		return zstd.NewReader(peek)
	}
	return peek, nil
}
