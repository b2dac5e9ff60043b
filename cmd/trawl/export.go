package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/crawler"
)

// exportCommand prints the pages of a crawl, each once.
func exportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export JOB|DIR|URL",
		Short: "Print the records of a crawl, once each",
		Long: `Export prints the records of all workers of a crawl as JSON lines to standard output.
A URL that was fetched twice, because a worker died, is printed once: as it was last.
It may be called while the crawl runs.

` + exitHelp,
		Example: `  trawl export python-docs > pages.jsonl
  trawl export news --out /data/crawls | jq -r .title
  trawl export news --out s3://crawls/of-2026 > news.jsonl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return export(cmd.Context(), resultsOf(out, args[0]), stdout)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the workers' output, a folder or the URL of a bucket, when a job of a fleet is named")
	return cmd
}

// place is where the record of a URL is.
type place struct {
	file   int
	offset int64
	at     string // when it was fetched, as the record has it
}

// export prints the last record of each URL, in the order of the files. Lines
// that are no records are told of and left out; then it fails in the end.
func export(ctx context.Context, dir string, w io.Writer) error {
	files, err := recordFiles(ctx, dir)
	if err != nil {
		return err
	}
	damaged := 0
	last, err := lastRecords(ctx, files, func(file segment, offset int64, err error) {
		damaged++
		fmt.Fprintf(stderr, "trawl: left out: %s, at byte %d: %v\n", file, offset, err)
	})
	if err != nil {
		return exportError(ctx, err)
	}
	buffered := bufio.NewWriterSize(w, 1<<20)
	for i, file := range files {
		err := eachRecord(ctx, file, func(url uint64, offset int64, _ string, line []byte) error {
			if p := last[url]; p.file != i || p.offset != offset {
				return nil
			}
			_, err := buffered.Write(append(line, '\n'))
			return err
		}, func(int64, error) {})
		if err != nil {
			return exportError(ctx, err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return exportError(ctx, err)
	}
	if damaged > 0 {
		return failed("export: %d lines in %q are damaged and were left out", damaged, dir)
	}
	return nil
}

func exportError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, "interrupted"}
	}
	return failed("export: %v", err)
}

// recordFiles finds the segments in a folder, or its manifests where there are
// none. Earlier results that were set aside are no part of the crawl.
func recordFiles(ctx context.Context, dir string) ([]segment, error) {
	for _, kind := range []string{"pages", "manifest"} { // a manifest says the same again
		files, err := filesOf(ctx, dir, kind)
		if err != nil || len(files) > 0 {
			return files, err
		}
	}
	return nil, usage("%q holds no records: name the folder that a crawl wrote to", dir)
}

// lastRecords finds where the last record of each URL is. damaged hears of lines
// that are no records.
func lastRecords(ctx context.Context, files []segment, damaged func(file segment, offset int64, err error)) (map[uint64]place, error) {
	last := make(map[uint64]place)
	for i, file := range files {
		err := eachRecord(ctx, file, func(url uint64, offset int64, at string, _ []byte) error {
			if p, ok := last[url]; !ok || at >= p.at {
				last[url] = place{i, offset, at}
			}
			return nil
		}, func(offset int64, err error) { damaged(file, offset, err) })
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

var urlSeed = maphash.MakeSeed()

// eachRecord calls do with each whole record of a file, and damaged with the
// place of each line that is none.
func eachRecord(ctx context.Context, s segment, do func(url uint64, offset int64, at string, line []byte) error, damaged func(offset int64, err error)) error {
	return eachLine(ctx, s, func(offset int64, line []byte) error {
		var rec crawler.Record
		if err := json.Unmarshal(line, &rec); err != nil {
			damaged(offset, err)
			return nil
		}
		return do(maphash.String(urlSeed, rec.URL), offset, rec.FetchedAt, line)
	})
}
