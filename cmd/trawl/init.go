package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/setting"
)

// initCommand returns the command that writes a job file to begin with.
func initCommand() *cobra.Command {
	to := "job.yaml"
	cmd := &cobra.Command{
		Use:   "init [FILE.yaml] [URL…]",
		Short: "Write a job file with every setting as a comment",
		Long: `Init writes a job file for the given URLs. It has every setting of a crawl as a comment, with its
meaning and its default. An argument that ends in .yaml or .yml is the file to write, as with --to.
An existing file is not replaced.

` + exitHelp,
		Example: `  trawl init https://example.com/
  trawl init news.yaml https://example.com/news/
  trawl init https://example.com/ --to - | less`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			files, urls := jobFilesIn(args)
			switch {
			case len(files) == 1 && !cmd.Flags().Changed("to"):
				to = files[0]
			case len(files) > 0:
				return usage("init writes one file, but %q names another: leave it out", files[len(files)-1])
			}
			return writeJobFile(cmd, to, urls)
		},
	}
	cmd.Flags().StringVar(&to, "to", to, "file to write; - for standard output")
	return cmd
}

// jobFilesIn tells arguments that name a job file from URLs.
func jobFilesIn(args []string) (files, urls []string) {
	for _, arg := range args {
		ext := strings.ToLower(filepath.Ext(arg))
		if (ext == ".yaml" || ext == ".yml") && !strings.Contains(arg, "://") {
			files = append(files, arg)
		} else {
			urls = append(urls, arg)
		}
	}
	return files, urls
}

// writeJobFile writes a job file with the given seeds to a path.
func writeJobFile(cmd *cobra.Command, to string, args []string) error {
	s := defaultSettings()
	seeds, err := s.schemed(cmd.Context(), args, false)
	if err != nil {
		return err
	}
	name := "example"
	for one := range literal(seeds) {
		if one.Err != nil {
			return usage("%v", one.Err)
		}
	}
	if hosts := hostsOf(literal(seeds)); len(hosts) > 0 {
		name = nameAfter(hosts[0])
	} else {
		seeds = []string{"https://example.com/"}
	}
	text := setting.JobFile(name, seeds)
	if to == "-" {
		_, err := io.WriteString(stdout, text)
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%q exists and is not replaced: name another file with --to, or remove it", to)
	} else if err != nil {
		return failed("write the job file: %v", err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return failed("write the job file: %v", err)
	}
	fmt.Fprintf(stderr, "trawl: wrote %s; crawl it with trawl crawl -f %s\n", to, to)
	return nil
}
