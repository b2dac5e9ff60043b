// Command trawl is a distributed web crawler in one binary.
//
// Each subcommand has a file of its own. What a crawl needs is tied together
// here: the settings from flags, environment and job file; a Redis, private,
// built in, or real; and a fleet in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	_ "github.com/trawlcrawler/trawl/cmd/trawl/early" // for what it does before this package begins
)

func main() {
	ctx, stop := interruptible()
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run carries out a command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	var profile profiler
	root.PersistentFlags().StringVar(&profile.folder, "profile", "", "a folder for profiles of the processor, memory and waits, for go tool pprof, written when the command ends")
	code := exitUsage // of all that cobra itself finds wrong, before a command begins
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		err := cmd.ValidateFlagGroups() // which cobra finds wrong only after this
		if err == nil {
			err = profile.start()
		}
		if err == nil {
			code = exitFailed
		}
		return err
	}
	err := root.ExecuteContext(ctx)
	err = errors.Join(err, profile.stop())
	var status *exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		code = status.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "trawl: "+text)
	}
	return code
}

// rootCommand is trawl without a subcommand.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "trawl",
		Short:         "A distributed web crawler on Redis and asynq",
		Long:          "Trawl crawls web sites, politely: on a laptop with one command, and unchanged on a fleet.\n\n" + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version(),
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(crawlCommand(), fetchCommand(), schedulerCommand(), workerCommand(), dashboardCommand(), jobCommand(), hostCommand(), seedCommand(), exportCommand(), diffCommand(), extractCommand(), auditCommand(), explainCommand(), healthCommand())
	return root
}

// interruptKey finds the channel of the second interrupt in a context.
type interruptKey struct{}

// interruptible returns a context that ends with the first SIGINT or SIGTERM,
// and that holds a channel which is closed with the second.
func interruptible() (context.Context, func()) {
	second := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), interruptKey{}, second))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Who is told of it is not killed by it: a reader that goes away is an error
	// of the write.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		if _, ok := <-signals; ok {
			cancel()
		}
		if _, ok := <-signals; ok {
			close(second)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}

// secondInterrupt is closed when the user does not want to wait.
func secondInterrupt(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(interruptKey{}).(chan struct{})
	return c
}
