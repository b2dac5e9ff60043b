package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/version"
)

// versionCommand prints the version.
func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit, and what the command was built with",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info := version.Get()
			if asJSON {
				return printJSON(stdout, info)
			}
			text := "trawl " + info.Version
			if info.Revision != "" {
				text += " (" + info.Revision[:min(12, len(info.Revision))]
				if info.Modified {
					text += ", modified"
				}
				text += ")"
			}
			_, err := fmt.Fprintf(stdout, "%s\n%s %s\n", text, info.Go, info.Platform)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
