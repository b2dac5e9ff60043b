package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/setting"
)

// initCommand returns the command that writes a job file to begin with.
func initCommand() *cobra.Command {
	to := "job.yaml"
	cmd := &cobra.Command{
		Use:   "init [URL…]",
		Short: "Write a job file with every setting as a comment",
		Long: `Init writes a job file for the given URLs. It has every setting of a crawl as a comment, with its
meaning and its default. An existing file is not replaced.

` + exitHelp,
		Example: `  trawl init https://example.com/
  trawl init https://example.com/ --to - | less`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := fill(cmd); err != nil {
				return err
			}
			return writeJobFile(cmd, to, args)
		},
	}
	cmd.Flags().StringVar(&to, "to", to, "file to write; - for standard output")
	return cmd
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
