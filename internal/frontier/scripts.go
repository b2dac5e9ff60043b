package frontier

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

//go:embed lua/*.lua
var sources embed.FS

// The scripts are composed when they are first used, because most commands need none of them, and
// composing them all takes longer than a command takes to start.
var (
	admitScript     = seenScript("admit")
	armScript       = shardScript("arm")
	openScript      = shardScript("open")
	takeScript      = shardScript("take")
	claimScript     = seenScript("claim")
	settleScript    = shardScript("settle")
	renewScript     = shardScript("renew")
	closeScript     = shardScript("close")
	sweepScript     = shardScript("sweep")
	releaseScript   = shardScript("release")
	countersScript  = shardScript("counters")
	governScript    = shardScript("govern")
	hostScript      = shardScript("host")
	knownScript     = seenScript("known")
	occupyScript    = shardScript("occupy")
	discardScript   = shardScript("discard")
	datesScript     = shardScript("dates")
	lookScript      = shardScript("look")
	rivalScript     = shardScript("rival")
	wakeScript      = shardScript("wake")
	recallScript    = shardScript("recall")
	acquireScript   = aloneScript("acquire")
	sealScript      = shardScript("seal")
	unsealScript    = shardScript("unseal")
	spillScript     = shardScript("spill")
	spillSeenScript = seenScript("spillseen")
	restoreScript   = seenScript("restore")
	swapScript      = aloneScript("swap")
	guestScript     = aloneScript("guest")
	guestDoneScript = aloneScript("guestdone")
	ledgerScript    = aloneScript("ledger")
	spendScript     = aloneScript("spend")
	createScript    = aloneScript("create")
	stateScript     = eventScript("state")
	changeScript    = eventScript("change")
	windScript      = eventScript("wind")
	noteScript      = aloneScript("note")
	keepScript      = aloneScript("keep")
	tickScript      = aloneScript("tick")
	ageScript       = aloneScript("age")
	workersScript   = aloneScript("workers")
	troubleScript   = aloneScript("trouble")
	appearScript    = aloneScript("appear")
	awaitScript     = aloneScript("await")
	historyScript   = aloneScript("history")
	recentScript    = aloneScript("recent")
	tailScript      = aloneScript("tail")
	hostTailScript  = aloneScript("hosttail")
	heardScript     = aloneScript("heard")
	reportScript    = aloneScript("report")
	spreadScript    = aloneScript("spread")
	stallScript     = eventScript("stall")
	giveUpScript    = eventScript("giveup")
	toldScript      = aloneScript("told")
	deliveredScript = aloneScript("delivered")
	changesScript   = aloneScript("changes")

	shippedScript   = shardScript("shipped")
	prolongScript   = shardScript("prolong")
	reclaimScript   = shardScript("reclaim")
	dropScript      = shardScript("drop")
	segmentsScript  = shardScript("segments")
	forfeitScript   = shardScript("forfeit")
	refundScript    = aloneScript("refund")
	readmitScript   = seenScript("readmit")
	retryScript     = shardScript("retry")
	forgetScript    = seenScript("forget")
	recountScript   = shardScript("recount")
	recogniseScript = shardScript("recognise")
	learnScript     = shardScript("learn")

	// For jobs that look for near duplicates.
	sketchesScript = shardScript("sketches")
	sketchScript   = shardScript("sketch")
	sketchedScript = shardScript("sketched")
	resolveScript  = shardScript("resolve")
	bandsScript    = shardScript("bands")

	// For continuous jobs.
	rationScript = aloneScript("ration")
	steerScript  = aloneScript("steer")
	linkScript   = aloneScript("link")
	linkedScript = aloneScript("linked")
	ripeScript   = shardScript("ripe")
	againScript  = shardScript("again")
	packScript   = shardScript("pack")

	// For jobs in which depth decides what is admitted.
	admitDepthScript   = depthScript("admit")
	claimDepthScript   = depthScript("claim")
	depthOfScript      = depthScript("depthof")
	outlinksScript     = depthScript("outlinks")
	nearerScript       = depthScript("nearer")
	readmitDepthScript = depthScript("readmit")
	forgetDepthScript  = depthScript("forget")
)

// Code that scripts share. Each library is read once, not once for each script.
var (
	shardLibrary = sync.OnceValue(func() library {
		return newLibrary(luaNames, source("call"), source("fold"), source("lib"), source("visit"))
	})
	// Without depths, the positions are constants, which makes admit faster than locals.
	seenLibrary = sync.OnceValue(func() library {
		return shardLibrary().with(
			strings.NewReplacer("FROM, TO)", "-9, -1)", "FROM, FROM + 3)", "-9, -6)",
				"FROM - 5, FROM - 1)", "-14, -10)").Replace(source("seen")))
	})
	// The last argument is [depths.farthest], with as many digits as depths have. It is
	// removed before the verb reads its own arguments.
	depthLibrary = sync.OnceValue(func() library {
		return shardLibrary().with(
			"local FARTHEST = table.remove(ARGV)\nlocal DIGITS = #FARTHEST\nlocal FROM, TO = -9 - DIGITS, -1 - DIGITS",
			source("seen"), source("depth"))
	})
)

// lazyScript composes a script at its first call, and returns it. It is safe for
// concurrent use.
type lazyScript func() *redis.Script

// aloneScript returns the script of a verb that uses no library.
func aloneScript(verb string) lazyScript {
	return sync.OnceValue(func() *redis.Script { return redis.NewScript(source(verb)) })
}

// eventScript returns the script of a verb that makes events of a job.
func eventScript(verb string) lazyScript {
	return sync.OnceValue(func() *redis.Script { return redis.NewScript(source("event") + "\n" + source(verb)) })
}

// shardScript returns the script of a verb, with the key names and the parts of lib.lua
// and visit.lua that it uses.
func shardScript(verb string) lazyScript { return scriptOf(shardLibrary, verb) }

// seenScript is shardScript for a verb that uses the set of seen URLs.
func seenScript(verb string) lazyScript { return scriptOf(seenLibrary, verb) }

// depthScript is seenScript for a job in which depth decides what is admitted.
func depthScript(verb string) lazyScript { return scriptOf(depthLibrary, verb) }

func scriptOf(l func() library, verb string) lazyScript {
	return sync.OnceValue(func() *redis.Script { return l().script(source(verb)) })
}

// library is the code that scripts share, with the function that mends garbled keys.
type library struct {
	all  paragraphs
	mend string
}

func newLibrary(sources ...string) library {
	return library{all: paragraphsOf(sources...)}.mending()
}

// with returns a library with additional sources.
func (l library) with(sources ...string) library {
	return library{all: slices.Concat(l.all, paragraphsOf(sources...))}.mending()
}

// mending sets the function that mends. It contains what it uses of the library, except for
// what all scripts contain anyway.
func (l library) mending() library {
	always, inside := l.all.used("redis"), l.all.used(source("mend"))
	for i := range inside {
		inside[i] = inside[i] && !always[i]
	}
	l.mend = strings.Join([]string{"mend = function(err, command, key, field)", l.all.text(inside), source("mend"),
		"end"}, "\n")
	return l
}

// script returns the script of a verb, preceded by the parts of the library that it uses.
// Redis runs all definitions of a script on each call; defining everything that a shard has
// would take 5 µs, a quarter of the total.
func (l library) script(verb string) *redis.Script {
	return redis.NewScript(strings.Join([]string{l.all.text(l.all.used("redis " + verb)), l.mend, verb}, "\n"))
}

// paragraph is a part of a Lua source. It begins at the margin, after an empty line.
type paragraph struct {
	text     string
	declares []string // locals
	words    []string // words of its text, without comments
}

type paragraphs []paragraph

var (
	luaGap    = regexp.MustCompile(`\n\n+(\S)`)
	luaLocals = regexp.MustCompile(`(?m)^local (?:function )?(\w+(?:, \w+)*)`)
)

// luaWords returns the words of a Lua text, without those in comments.
func luaWords(text string) (all []string) {
	between := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		all = append(all, strings.FieldsFunc(code, between)...)
	}
	return all
}

func paragraphsOf(sources ...string) (all paragraphs) {
	for _, source := range sources {
		for text := range strings.SplitSeq(luaGap.ReplaceAllString(source, "\x00$1"), "\x00") {
			p := paragraph{text: text, words: luaWords(text)}
			for _, names := range luaLocals.FindAllStringSubmatch(text, -1) {
				p.declares = append(p.declares, strings.Split(names[1], ", ")...)
			}
			all = append(all, p)
		}
	}
	return all
}

// used reports for each paragraph whether the text needs it, directly or through others. If
// several paragraphs declare a name, the last one counts.
func (all paragraphs) used(text string) []bool {
	of := make(map[string]int)
	for i, p := range all {
		for _, name := range p.declares {
			of[name] = i
		}
	}
	used := make([]bool, len(all))
	words := luaWords(text)
	for len(words) > 0 {
		i, declared := of[words[0]]
		words = words[1:]
		if declared && !used[i] {
			used[i] = true
			words = append(words, all[i].words...)
		}
	}
	return used
}

// text returns the paragraphs that are used, in order.
func (all paragraphs) text(used []bool) string {
	var b strings.Builder
	for i, p := range all {
		if used[i] {
			b.WriteString(p.text)
			b.WriteByte('\n')
		}
	}
	return b.String()
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

// runKeys runs a script with the given keys, which must be in one slot.
func runKeys(ctx context.Context, rdb redis.Scripter, script *redis.Script, verb string, keys []string,
	args ...any) *redis.Cmd {
	return judged(script.Run(ctx, rdb, keys, args...), verb, keys[0])
}

// judged translates the error of a script.
func judged(cmd *redis.Cmd, verb, key string) *redis.Cmd {
	if err := cmd.Err(); err != nil && err != redis.Nil {
		if strings.HasPrefix(err.Error(), "STALE") {
			cmd.SetErr(queue.ErrStale)
		} else {
			cmd.SetErr(fmt.Errorf("frontier: %s on %s: %w", verb, key, garbled(redisconn.Passing(err))))
		}
	}
	return cmd
}
