package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trawlcrawler/trawl/internal/setting"
)

// configCommand returns the command that shows which settings are in force.
func configCommand() *cobra.Command {
	s := defaultSettings()
	var asJSON, changed bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show which settings are in force, and where each comes from",
		Long: `Config shows the value of every setting as a command with the same flags, environment and files
would have it, and where it comes from: a flag, a variable of the environment, a line of the job
file or of the file of --config, or the default. Passwords and the values of headers are left out.

` + exitHelp,
		Example: `  trawl config --changed
  trawl config -f job.yaml --depth 3
  trawl config --config /etc/trawl.yaml --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			shown := s.inForce(changed)
			if asJSON {
				return printJSON(stdout, shown)
			}
			return printInForce(stdout, shown)
		},
	}
	s.register(cmd.Flags())
	s.registerIn(cmd.Flags(), setting.InFleet&^setting.InCrawl)
	cmd.Flags().BoolVar(&changed, "changed", false, "show only settings that are not at their default")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// inForce is one setting as trawl config shows it.
type inForce struct {
	Name  string          `json:"name"`
	Group string          `json:"group"`
	Value json.RawMessage `json:"value"`
	From  string          `json:"from"` // "--depth", "TRAWL_DEPTH", "job.yaml:3", "default"

	text string
}

// inForce lists the settings that are in force, or only those that are not defaults.
func (s *settings) inForce(changed bool) (all []inForce) {
	shown := s.Values
	shown.Redis = hidden(shown.Redis)
	shown.Proxy, shown.Header = nil, nil
	for _, p := range s.Proxy {
		shown.Proxy = append(shown.Proxy, hidden(p))
	}
	for _, h := range s.Header {
		name, _, _ := strings.Cut(h, ":")
		shown.Header = append(shown.Header, name+": …")
	}
	for _, row := range setting.Table() {
		from := cmp.Or(s.origins[row.Name], "default")
		if changed && from == "default" {
			continue
		}
		value, err := row.Encode(&shown)
		if err != nil {
			value = json.RawMessage("null")
		}
		text := row.Text(&shown)
		if text == "null" {
			text = ""
		}
		all = append(all, inForce{row.Name, string(row.Group), value, from, text})
	}
	return all
}

// hidden returns a URL without its password. A text that is not a URL may have a secret anywhere,
// so it is not shown.
func hidden(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}

// printInForce prints settings as a table for each group.
func printInForce(w io.Writer, all []inForce) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	group := ""
	for _, s := range all {
		if s.Group != group {
			group = s.Group
			fmt.Fprintf(table, "%s\t\t\n", group)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", s.Name, cmp.Or(s.text, "-"), s.From)
	}
	return table.Flush()
}
