package main

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/bench/redisinfo"
)

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
func readCommands(ctx context.Context, url string) (redisinfo.Commands, error) {
	client, err := connect(url)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	text, err := client.Info(ctx, "commandstats").Result()
	if err != nil {
		return nil, err
	}
	return redisinfo.CommandsOf(redisinfo.Fields(text))
}

func connect(url string) (*redis.Client, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return redis.NewClient(o), nil
}
