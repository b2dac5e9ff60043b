package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// product is a file that a crawl makes from its results when it is over. It is in the output or, if
// that is a bucket, in the crawl's folder on this machine.
type product struct {
	format string // of jobs that want it; also the form of trawl export
	called string // in messages
	name   func(s settings) string
	export func(ctx context.Context, c *export.Crawl, to string) (export.Summary, error)
}

// products lists all products.
var products = []product{
	{sink.FormatMirror, "mirror", func(settings) string { return sink.FormatMirror }, export.Mirror},
	{sink.FormatWACZ, "WACZ file", func(s settings) string { return s.Name + ".wacz" }, export.WACZ},
}

// productsOf returns the products that a job wants.
func productsOf(s settings) []product {
	return slices.DeleteFunc(slices.Clone(products), func(p product) bool { return !slices.Contains(s.Format, p.format) })
}

// place returns where the product is.
func (p product) place(s settings) string { return filepath.Join(s.folder(), p.name(s)) }

// made reports whether the product exists.
func (p product) made(s settings) bool {
	_, err := os.Stat(p.place(s))
	return err == nil
}

// make makes the product of a crawl that has ended, and replaces an earlier one. If it is
// interrupted or killed, it leaves no new file, and an earlier one stays whole; the same command
// makes it again.
func (p product) make(ctx context.Context, s settings) (err error) {
	dir, err := localcrawl.OpenFolder(s.folder(), words)
	if err != nil {
		return failed("%s: %v", p.called, err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	crawl, err := export.Open(ctx, s.Out)
	if err != nil {
		return failed("%s: %v", p.called, err)
	}
	to := p.place(s)
	_, err = p.export(ctx, crawl, to)
	if err = errors.Join(err, crawl.Close()); err != nil {
		if ctx.Err() != nil {
			return &exitError{exitInterrupted,
				fmt.Sprintf("interrupted while making the %s: run trawl export --as %s to make it", p.called, p.format)}
		}
		return failed("%s: %v", p.called, err)
	}
	fmt.Fprintf(stderr, "trawl: the %s is in %s\n", p.called, to)
	return nil
}
