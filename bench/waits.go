package main

import (
	"regexp"
	"slices"
)

// outsideOfLocks is the innermost function of a stack that is not of the packages
// that locks and waits are made of; where there is none, the outermost one.
func outsideOfLocks(stack []string) string {
	i := slices.IndexFunc(stack, func(function string) bool {
		path := packageOf(function)
		return !within(path, "sync") && !within(path, "internal/sync") && !isRuntime(path)
	})
	if i >= 0 {
		return stack[i]
	}
	if len(stack) > 0 {
		return stack[len(stack)-1]
	}
	return ""
}

// idle are functions that wait in select or for a channel while there is nothing
// for them to do: loops in the background of asynq and go-redis, the loops of
// connections of net/http, and of Trawl what waits for a moment, for a signal or
// for the end.
var idle = regexp.MustCompile(`^(github\.com/(hibiken/asynq|redis/go-redis)[./]` +
	`|net/http\.\(\*persistConn\)\.(readLoop|writeLoop)$` +
	`|main\.` +
	`|github\.com/trawlcrawler/trawl/(scheduler\.\(\*Scheduler\)\.wait$|internal/fleet\.either\.func|crawler\.sleep$|crawler\.\(\*visit\)\.beat$|internal/sink\.\(\*JSONL\)\.tick$))`)

// waiter is the function that waits at the end of a stack; "" for one that is
// idle.
func waiter(stack []string) string {
	name := outsideOfLocks(stack)
	channel := slices.ContainsFunc(stack, func(function string) bool {
		return function == "runtime.selectgo" || function == "runtime.chanrecv1" || function == "runtime.chanrecv2"
	})
	if channel && idle.MatchString(name) {
		return ""
	}
	return name
}
