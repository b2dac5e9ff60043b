package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/export"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// mirrorOf makes the mirror of a crawl that has ended, if the job has that format:
// in the folder "mirror" of its output, or, when that is a bucket, of the crawl's
// folder on this machine.
func mirrorOf(ctx context.Context, s settings) (err error) {
	if !slices.Contains(s.Format, sink.FormatMirror) {
		return nil
	}
	dir, err := localcrawl.OpenFolder(s.folder(), words)
	if err != nil {
		return failed("mirror: %v", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	crawl, err := export.Open(ctx, s.Out)
	if err != nil {
		return failed("mirror: %v", err)
	}
	to := filepath.Join(s.folder(), sink.FormatMirror)
	_, err = export.Mirror(ctx, crawl, to)
	if err = errors.Join(err, crawl.Close()); err != nil {
		if ctx.Err() != nil {
			return &exitError{exitInterrupted, "interrupted while the mirror was made: trawl export makes it, --as mirror"}
		}
		return failed("mirror: %v", err)
	}
	fmt.Fprintf(stderr, "trawl: the mirror is in %s\n", to)
	return nil
}

// mirrored reports whether the mirror that a job asks for has been made, or it
// asks for none.
func mirrored(s settings) bool {
	if !slices.Contains(s.Format, sink.FormatMirror) {
		return true
	}
	_, err := os.Stat(filepath.Join(s.folder(), sink.FormatMirror))
	return err == nil
}
