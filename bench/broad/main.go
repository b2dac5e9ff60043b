package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	hosts   int
	only    string
	rounds  int
	visits  int
	trawl   string
	env     string
	profile string
	limit   time.Duration
}

func parseFlags() (o options) {
	flag.IntVar(&o.hosts, "hosts", 20_000, "how many hosts the web has")
	flag.StringVar(&o.only, "only", "plain,trawl", "which contestants")
	flag.IntVar(&o.rounds, "rounds", 1, "how often each has its turn")
	flag.IntVar(&o.visits, "visits", 256, "hosts at once: of each of the two workers, and half of those of others")
	flag.StringVar(&o.trawl, "trawl", "", "a trawl that was built already")
	flag.StringVar(&o.env, "trawl-env", "", "more environment for it, as NAME=VALUE,NAME=VALUE")
	flag.StringVar(&o.profile, "profile", "",
		"tell where the workers' processor time goes, and keep their profiles in this folder")
	flag.DurationVar(&o.limit, "limit", 20*time.Minute, "most time for one turn")
	flag.Parse()
	return o
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parseFlags()); err != nil {
		fmt.Fprintln(os.Stderr, "broad:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "trawl-broad-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	all, err := contestants(ctx, o, dir)
	if err != nil {
		return err
	}
	w, err := serveWeb(o.hosts, dir)
	if err != nil {
		return err
	}
	defer w.close()
	var turns []*turn
	defer func() { fmt.Print(markdown(w, turns)) }() // also if one fails, or is interrupted
	for round := range o.rounds {
		for _, c := range all {
			t, err := c.take(ctx, o, w, filepath.Join(dir, fmt.Sprintf("%s-%d", c.name, round)))
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			fmt.Fprintln(os.Stderr, t)
			turns = append(turns, t)
		}
	}
	return nil
}

// wanted reports whether the flags name a contestant.
func (o options) wanted(name string) bool {
	for one := range strings.SplitSeq(o.only, ",") {
		if one == name {
			return true
		}
	}
	return false
}
