package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// Annotations of flags that are settings.
const (
	groupOfFlag  = "trawl_group" // title of the flag's group in help
	commonOfFlag = "trawl_common"
)

// annotate stores the facts about a setting's flag that help needs.
func annotate(f *pflag.Flag, row setting.Setting) {
	f.Annotations = map[string][]string{groupOfFlag: {string(row.Group)}}
	if row.Common {
		f.Annotations[commonOfFlag] = nil
	}
}

// isSetting reports whether a flag sets a setting of the table. Other flags may have the
// name of a setting and mean something else.
func isSetting(f *pflag.Flag) bool { return len(f.Annotations[groupOfFlag]) > 0 }

// flagHelp returns the help of a setting's flag, given its default.
func flagHelp(row setting.Setting, values *setting.Values) string {
	text := row.Explained()
	if row.IsList() {
		text += "; may be repeated"
	}
	if row.Empty != "" && row.Text(values) == "" {
		text += " (default: " + row.Empty + ")"
	}
	return text
}

// helpWidth bounds the width of help, in columns. Help that is not shown on a terminal has
// the larger one.
const (
	minHelpWidth = 60
	maxHelpWidth = 100
)

// helpColumns returns how many columns wide help may be.
func helpColumns() int {
	columns, _, err := term.GetSize(int(stdout.file.Fd()))
	if err != nil {
		return maxHelpWidth
	}
	return min(max(columns, minHelpWidth), maxHelpWidth)
}

// printUsage prints how to use a command: its subcommands, examples, and flags in groups,
// those that most people need first.
func printUsage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND\n", cmd.CommandPath())
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(&b, cmd)
	for _, g := range flagGroups(cmd) {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.flags.FlagUsagesWrapped(helpColumns()))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s COMMAND --help tells more about a command.\n", cmd.CommandPath())
	} else if cmd.HasAvailableFlags() {
		b.WriteString("\nThe environment sets flags as well: TRAWL_DEPTH=2 stands for --depth 2.\n")
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// writeCommands lists the subcommands of a command, in their groups.
func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	list := func(title, group string) {
		first := true
		for _, c := range cmd.Commands() {
			if c.GroupID != group || !c.IsAvailableCommand() {
				continue
			}
			if first {
				fmt.Fprintf(b, "\n%s:\n", title)
				first = false
			}
			fmt.Fprintf(b, "  %-*s %s\n", cmd.Commands()[0].NamePadding(), c.Name(), c.Short)
		}
	}
	for _, g := range cmd.Groups() {
		list(g.Title, g.ID)
	}
	title := "Commands"
	if len(cmd.Groups()) > 0 {
		title = "Other commands"
	}
	list(title, "")
}

// flagGroup is a part of the flags of a command.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

// flagGroups returns the flags of a command in groups: the common ones, those that only
// this command has, the groups of settings, and the flags of all commands.
func flagGroups(cmd *cobra.Command) []flagGroup {
	titles := []string{"Common flags", "Flags"}
	for _, g := range setting.Groups {
		titles = append(titles, string(g))
	}
	titles = append(titles, "Flags of all commands")
	groups := make([]flagGroup, len(titles))
	for i, title := range titles {
		groups[i] = flagGroup{title, pflag.NewFlagSet(title, pflag.ContinueOnError)}
		groups[i].flags.SortFlags = false
	}
	everywhere := cmd.Root().PersistentFlags()
	cmd.LocalFlags().SortFlags = false
	many := strings.Count(cmd.LocalFlags().FlagUsages(), "\n") > manyFlags
	add := func(f *pflag.Flag) {
		title := "Flags"
		_, common := f.Annotations[commonOfFlag]
		switch {
		case everywhere.Lookup(f.Name) == f || f.Name == "help":
			title = "Flags of all commands"
		case isSetting(f) && !many:
		case isSetting(f) && common:
			title = "Common flags"
		case isSetting(f):
			title = f.Annotations[groupOfFlag][0]
		}
		groups[slices.Index(titles, title)].flags.AddFlag(f)
	}
	cmd.LocalFlags().VisitAll(add)
	cmd.InheritedFlags().VisitAll(add)
	return slices.DeleteFunc(groups, func(g flagGroup) bool { return !g.flags.HasAvailableFlags() })
}

// manyFlags is the number of flags above which those of a command are shown in groups.
const manyFlags = 20

// flagError adds to an error about flags what the user may have meant.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage("%v (%s --help lists the flags)", err, cmd.CommandPath())
	}
	name := unknown.GetSpecifiedName()
	if len(name) == 1 {
		return usage("unknown flag -%s (%s --help lists the flags)", name, cmd.CommandPath())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	})
	if meant := plain.Closest("--"+name, known); meant != "" {
		return usage("unknown flag --%s: did you mean %s?", name, meant)
	}
	return usage("unknown flag --%s (%s --help lists the flags)", name, cmd.CommandPath())
}

// noSubcommand runs a command that requires a subcommand: it prints the help.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	if meant := plain.Closest(args[0], known); meant != "" {
		return usage("unknown command %q: did you mean %s %s?", args[0], cmd.CommandPath(), meant)
	}
	return usage("unknown command %q for %q (%s --help lists them)", args[0], cmd.CommandPath(), cmd.CommandPath())
}
