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
	admitScript    = seenScript("admit")
	armScript      = shardScript("arm")
	openScript     = shardScript("open")
	takeScript     = shardScript("take")
	claimScript    = seenScript("claim")
	settleScript   = shardScript("settle")
	renewScript    = shardScript("renew")
	closeScript    = shardScript("close")
	sweepScript    = shardScript("sweep")
	releaseScript  = shardScript("release")
	countersScript = shardScript("counters")
	governScript   = shardScript("govern")
	hostScript     = shardScript("host")
	knownScript    = seenScript("known")
	occupyScript   = shardScript("occupy")
	discardScript  = shardScript("discard")
	lookScript     = shardScript("look")
	rivalScript    = shardScript("rival")
	wakeScript     = shardScript("wake")
	recallScript   = shardScript("recall")
	acquireScript  = redis.NewScript(source("acquire"))
	swapScript     = redis.NewScript(source("swap"))
	ledgerScript   = redis.NewScript(source("ledger"))
	createScript   = redis.NewScript(source("create"))
	stateScript    = redis.NewScript(source("state"))
	changeScript   = redis.NewScript(source("change"))
	windScript     = redis.NewScript(source("wind"))
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
	readmitScript   = seenScript("readmit")
	forgetScript    = seenScript("forget")
	recountScript   = shardScript("recount")
	recogniseScript = shardScript("recognise")

	// Of jobs in which depth decides what is admitted.
	admitDepthScript   = depthScript("admit")
	claimDepthScript   = depthScript("claim")
	depthOfScript      = depthScript("depthof")
	outlinksScript     = depthScript("outlinks")
	nearerScript       = depthScript("nearer")
	readmitDepthScript = depthScript("readmit")
	forgetDepthScript  = depthScript("forget")
)

// shardScript is a verb behind the names of a shard's keys and what all scripts of
// a shard share.
func shardScript(verb string) *redis.Script { return join(source(verb)) }

// seenScript is a verb that uses the set of what was seen. It pays nothing for depths:
// to have numbers in place of locals makes admit faster.
func seenScript(verb string) *redis.Script {
	return join(strings.NewReplacer("FROM, TO)", "-9, -1)").Replace(source("seen")), source(verb))
}

// depthScript is a verb that uses the set of what was seen, in a job in which depth
// decides what is admitted. Its last argument is [depths.farthest], in as many digits
// as depths have; the verb finds those before it.
func depthScript(verb string) *redis.Script {
	return join("local FARTHEST = table.remove(ARGV)\nlocal DIGITS = #FARTHEST\nlocal FROM, TO = -9 - DIGITS, -1 - DIGITS", luaDepthNames, source("seen"), source("depth"), source(verb))
}

func join(parts ...string) *redis.Script {
	return redis.NewScript(strings.Join(append([]string{luaNames, source("lib")}, parts...), "\n"))
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
