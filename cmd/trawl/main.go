// Command trawl is a distributed web crawler in one binary.
//
// Many files: each subcommand has a file that is named after it. The work of a command, apart from
// printing, is in packages such as internal/audit and internal/explain. This package combines what
// a crawl needs: the settings from flags, environment and job file; a Redis, which may be private,
// embedded or shared; and a fleet in one process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	// Imported for what its init does before this package is initialized.
	_ "github.com/trawlcrawler/trawl/cmd/trawl/early"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/version"
	_ "github.com/trawlcrawler/trawl/parquet"
	_ "github.com/trawlcrawler/trawl/s3"
)

func main() {
	ctx, stop := interruptible()
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run runs a command line and returns its exit status.
func run(ctx context.Context, args []string) int {
	root := rootCommand()
	root.SetArgs(args)
	var profile profiler
	root.PersistentFlags().StringVar(&profile.folder, "profile", "",
		"folder to write CPU, memory and blocking profiles to when the command ends, for go tool pprof")
	code := exitUsage // the status of errors that cobra itself finds, before a command starts
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		err := cmd.ValidateFlagGroups() // cobra would check these only after this hook
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
	case errors.Is(err, output.ErrURL):
		code = exitUsage
	}
	if text := err.Error(); text != "" {
		_ = paint(stderr, span{"trawl:", styleWrong}) // the next write fails as well
		fmt.Fprintln(stderr, " "+text)
	}
	return code
}

// rootCommand returns trawl without a subcommand.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "trawl",
		Short:         "A distributed web crawler on Redis and asynq",
		Long:          "Trawl crawls web sites politely: with one command on a laptop, or unchanged on a fleet of machines.\n\n" + exitHelp,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       version.String(),
		Args:          cobra.ArbitraryArgs,
		RunE:          noSubcommand,
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetUsageFunc(printUsage)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().String(configFlag, "",
		"file in YAML with defaults of settings for all commands (trawl config shows what is in force)")
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Crawl on this machine", []*cobra.Command{crawlCommand(), fetchCommand(), checkCommand(), extractCommand(),
			initCommand()}},
		{"Crawl on a fleet", []*cobra.Command{schedulerCommand(), workerCommand(), dashboardCommand(), topCommand(),
			jobCommand(), hostCommand(), seedCommand(), tailCommand()}},
		{"Results", []*cobra.Command{exportCommand(), diffCommand(), changesCommand(), replayCommand(), verifyCommand(),
			auditCommand(), rightsCommand(), explainCommand()}},
		{"Installation", []*cobra.Command{configCommand(), identityCommand(), doctorCommand(), healthCommand(),
			versionCommand()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, c := range group.commands {
			c.GroupID = group.title
			root.AddCommand(c)
		}
	}
	root.AddCommand(manCommand())
	completeValues(root)
	return root
}

// interruptKey is the key of the second interrupt's channel in a context.
type interruptKey struct{}

// interruptible returns a context that ends with the first SIGINT, SIGTERM or SIGHUP. The
// context contains a channel that is closed with the second. A process that was started to
// outlive its terminal, for example by nohup, ignores SIGHUP.
func interruptible() (context.Context, func()) {
	second := make(chan struct{})
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), interruptKey{}, second))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A process that is notified of SIGPIPE is not killed by it. If the reader goes away,
	// the write returns an error instead.
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

// secondInterrupt returns the channel that is closed when the user does not want to wait.
func secondInterrupt(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(interruptKey{}).(chan struct{})
	return c
}
