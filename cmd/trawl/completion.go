package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/tasks"
)

// completionTerm is how long a shell waits for names of jobs. Without them it completes
// nothing.
const completionTerm = 500 * time.Millisecond

// jobArguments lists the commands whose first argument is the name of a job.
var jobArguments = []string{"show", "watch", "pause", "resume", "set", "cancel", "refetch", "rm", "seed", "ls", "tail"}

// completeValues makes the shell complete values of flags, names of jobs and settings. The
// command completion prints the scripts of the shells.
func completeValues(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { completeFlag(cmd, f) })
	takesJob := slices.Contains(jobArguments, cmd.Name()) && cmd.CommandPath() != "trawl job ls"
	if takesJob && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = completeJob
	}
	for _, c := range cmd.Commands() {
		completeValues(c)
	}
}

// completeFlag makes the shell complete the values of a flag.
func completeFlag(cmd *cobra.Command, f *pflag.Flag) {
	values, files := []string(nil), cobra.ShellCompDirectiveNoFileComp
	switch {
	case isSetting(f):
		values = choices()[f.Name]
	case f.Name == "file" || f.Name == configFlag:
		values, files = []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
	case f.Name == "priority":
		values = []string{"urgent", "high", "normal", "low"}
	}
	if len(values) == 0 {
		return
	}
	// It fails only if the flag is missing or has a completion already.
	_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, files))
}

// choices returns the choices of the settings that have some, by the names of their flags.
var choices = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string)
	for _, row := range setting.Table() {
		if len(row.Choices) > 0 {
			all[row.Flag()] = row.Choices
		}
	}
	return all
})

// completeJob completes the name of a job, and then the names of settings for job set.
func completeJob(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		if cmd.CommandPath() != "trawl job set" {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var names []string
		for _, name := range setting.Changeable() {
			names = append(names, name+"=")
		}
		return names, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	if fill(cmd) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	redis := cmd.Flags().Lookup("redis")
	if redis == nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	ctx, cancel := context.WithTimeout(context.Background(), completionTerm)
	defer cancel()
	return jobNames(ctx, redis.Value.String()), cobra.ShellCompDirectiveNoFileComp
}

// jobNames lists the jobs of a fleet; none if they cannot be read before ctx ends.
func jobNames(ctx context.Context, redis string) []string {
	found := make(chan []string, 1)
	go func() { // opening a client may retry past the end of ctx
		c, err := tasks.Open(ctx, redis)
		if err != nil {
			found <- nil
			return
		}
		defer c.Close()
		jobs, err := c.Jobs(ctx)
		if err != nil {
			found <- nil
			return
		}
		var names []string
		for _, j := range jobs {
			names = append(names, j.Job.Name)
		}
		found <- names
	}()
	select {
	case names := <-found:
		return names
	case <-ctx.Done():
		return nil
	}
}
