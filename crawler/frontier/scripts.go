package frontier

import (
	"context"
	"embed"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

//go:embed lua/*.lua
var sources embed.FS

var (
	admitScript    = shardScript("admit", "seen")
	armScript      = shardScript("arm")
	openScript     = shardScript("open")
	takeScript     = shardScript("take")
	claimScript    = shardScript("claim", "seen")
	settleScript   = shardScript("settle")
	renewScript    = shardScript("renew")
	closeScript    = shardScript("close")
	sweepScript    = shardScript("sweep")
	releaseScript  = shardScript("release")
	countersScript = shardScript("counters")
	governScript   = shardScript("govern")
	hostScript     = shardScript("host")
	knownScript    = shardScript("known", "seen")
	occupyScript   = shardScript("occupy")
	discardScript  = shardScript("discard")
	lookScript     = shardScript("look")
	rivalScript    = shardScript("rival")
	wakeScript     = shardScript("wake")
	acquireScript  = redis.NewScript(source("acquire"))
	swapScript     = redis.NewScript(source("swap"))
	ledgerScript   = redis.NewScript(source("ledger"))
	createScript   = redis.NewScript(source("create"))
	stateScript    = redis.NewScript(source("state"))
	noteScript     = redis.NewScript(source("note"))
	keepScript     = redis.NewScript(source("keep"))
	tickScript     = redis.NewScript(source("tick"))
	ageScript      = redis.NewScript(source("age"))
	workersScript  = redis.NewScript(source("workers"))
	troubleScript  = redis.NewScript(source("trouble"))
	appearScript   = redis.NewScript(source("appear"))
	awaitScript    = redis.NewScript(source("await"))

	shippedScript   = shardScript("shipped")
	prolongScript   = shardScript("prolong")
	reclaimScript   = shardScript("reclaim")
	dropScript      = shardScript("drop")
	segmentsScript  = shardScript("segments")
	forfeitScript   = shardScript("forfeit")
	refundScript    = redis.NewScript(source("refund"))
	recogniseScript = shardScript("recognise")
)

// shardScript is a verb behind the names of a shard's keys and the libraries
// that it uses.
func shardScript(verb string, libraries ...string) *redis.Script {
	parts := []string{luaNames, source("lib")}
	for _, l := range libraries {
		parts = append(parts, source(l))
	}
	return redis.NewScript(strings.Join(append(parts, source(verb)), "\n"))
}

func source(name string) string {
	text, err := sources.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic("frontier: " + err.Error())
	}
	return string(text)
}

// run runs a script on the shard with the given base.
func run(ctx context.Context, rdb redis.Scripter, script *redis.Script, verb, base string, args ...any) *redis.Cmd {
	return runKeys(ctx, rdb, script, verb, []string{base}, args...)
}

// runKeys runs a script that names its keys. They lie in one slot.
func runKeys(ctx context.Context, rdb redis.Scripter, script *redis.Script, verb string, keys []string, args ...any) *redis.Cmd {
	return judged(script.Run(ctx, rdb, keys, args...), verb, keys[0])
}

// judged gives the error of a script its meaning.
func judged(cmd *redis.Cmd, verb, key string) *redis.Cmd {
	if err := cmd.Err(); err != nil && err != redis.Nil {
		if strings.HasPrefix(err.Error(), "STALE") {
			cmd.SetErr(crawler.ErrStale)
		} else {
			cmd.SetErr(fmt.Errorf("frontier: %s on %s: %w", verb, key, garbled(passing(err))))
		}
	}
	return cmd
}
