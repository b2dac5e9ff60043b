package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// command is what all calls of one command took in Redis. What scripts call counts
// for them and for the command that they call.
type command struct {
	name  string
	calls int64
	took  time.Duration
}

// addCommands adds those of another crawl.
func addCommands(all, more []command) []command {
	for _, m := range more {
		i := slices.IndexFunc(all, func(c command) bool { return c.name == m.name })
		if i < 0 {
			all = append(all, m)
			continue
		}
		all[i].calls += m.calls
		all[i].took += m.took
	}
	slices.SortStableFunc(all, func(x, y command) int { return cmp.Compare(y.took, x.took) })
	return all
}

// forgetCommands has a Redis count from now on.
func forgetCommands(ctx context.Context, url string) error {
	client, err := connect(url)
	if err != nil {
		return err
	}
	defer client.Close()
	return client.ConfigResetStat(ctx).Err()
}

// readCommands asks a Redis what its commands took.
func readCommands(ctx context.Context, url string) ([]command, error) {
	client, err := connect(url)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	text, err := client.Info(ctx, "commandstats").Result()
	if err != nil {
		return nil, err
	}
	return parseCommands(text)
}

func connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return redis.NewClient(o), nil
}

// parseCommands reads the section commandstats of INFO, of lines such as
//
//	cmdstat_get:calls=21,usec=175,usec_per_call=8.33,rejected_calls=0,failed_calls=0
func parseCommands(text string) (all []command, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, figures, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
		if !ok || !strings.HasPrefix(line, "cmdstat_") {
			continue
		}
		c := command{name: strings.ReplaceAll(name, "|", " ")}
		for figure := range strings.SplitSeq(figures, ",") {
			key, value, _ := strings.Cut(figure, "=")
			if key != "calls" && key != "usec" {
				continue
			}
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no line of commandstats", line)
			}
			if key == "calls" {
				c.calls = n
			} else {
				c.took = time.Duration(n) * time.Microsecond
			}
		}
		all = append(all, c)
	}
	return all, nil
}
