package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// trawlPath is the module of Trawl.
const trawlPath = "github.com/trawlcrawler/trawl"

// group is something that processor time goes to. A stack belongs to the group of
// its innermost function that has one.
type group struct {
	name string
	// ours are packages of Trawl, from its module on.
	ours []string
	// theirs are packages of others, with those beneath them. When they call
	// Trawl, that is not of the group: a visit is called by asynq, and is not
	// asynq's work.
	theirs []string
}

// groups have no sockets, which are of the one who reads and writes them, and no
// memory, which is of the one who asks for it.
var groups = []group{
	markup,
	{name: "digests, mostly of bodies (crypto/sha256)",
		theirs: []string{"crypto/sha256", "crypto/internal/fips140/sha256"}},
	{name: "HTTP (net/http, internal/fetch)", ours: []string{"internal/fetch"}, theirs: []string{"net/http"}},
	{
		name: "Redis client (go-redis, asynq, internal/frontier)", ours: []string{"internal/frontier"},
		theirs: []string{"github.com/redis/go-redis/v9", "github.com/hibiken/asynq"},
	},
	{name: "records and journal (internal/sink, encoding/json)", ours: []string{"internal/sink"},
		theirs: []string{"encoding/json"}},
	housekeeping,
	others,
}

var (
	markup = group{name: "reading markup and resolving links (internal/parse)", ours: []string{
		"internal/parse", "internal/htmltok", "internal/charset", "internal/reference", "internal/htmltree",
		"internal/fields",
	}}
	housekeeping = group{name: "garbage collection and scheduler (runtime)"}
	others       = group{name: "the rest (visits and scope in crawler, and others)"}
)

// scanner begins the functions of markup that are told apart.
const (
	scanner     = trawlPath + "/internal/htmltok.(*Tokenizer)"
	scannerName = "– of it the scanner (htmltok.Tokenizer)"
)

// groupTime adds up the figure of a profile by groups.
func groupTime(p *profile.Profile, figure int) (shares []share, total int64) {
	sums := map[string]int64{}
	for _, s := range p.Sample {
		stack, value := functions(s), s.Value[figure]
		name := groupOf(stack)
		sums[name] += value
		total += value
		if name == markup.name && slices.ContainsFunc(stack, scans) {
			sums[scannerName] += value
		}
	}
	for _, g := range groups {
		shares = append(shares, share{g.name, sums[g.name]})
		if g.name == markup.name {
			shares = append(shares, share{scannerName, sums[scannerName]})
		}
	}
	return shares, total
}

func scans(function string) bool { return strings.HasPrefix(function, scanner) }

// groupOf is the name of the group that a stack belongs to.
func groupOf(stack []string) string {
	trawl, onlyRuntime := false, true
	for _, function := range stack {
		path := packageOf(function)
		if runtimeWork.MatchString(function) {
			return housekeeping.name
		}
		trawl = trawl || ofTrawl(path)
		onlyRuntime = onlyRuntime && isRuntime(path)
		for _, g := range groups {
			if g.has(path, trawl) {
				return g.name
			}
		}
	}
	if onlyRuntime {
		return housekeeping.name
	}
	return others.name
}

// has reports whether functions of a package are of the group, on a stack on which
// they called, or did not call, Trawl.
func (g group) has(path string, trawl bool) bool {
	if slices.ContainsFunc(g.ours, func(own string) bool { return path == trawlPath+"/"+own }) {
		return true
	}
	return !trawl && slices.ContainsFunc(g.theirs, func(their string) bool { return within(path, their) })
}

// within reports whether a package is another one or beneath it.
func within(path, above string) bool {
	return path == above || strings.HasPrefix(path, above+"/")
}

func ofTrawl(path string) bool { return path == "main" || within(path, trawlPath) }

func isRuntime(path string) bool { return within(path, "runtime") || within(path, "internal/runtime") }

// runtimeWork are functions of the runtime that do its own work, though the code
// of others called them: help with the collection of garbage, and the waking and
// parking of goroutines. Others, such as those that copy memory, work for their
// callers.
var runtimeWork = regexp.MustCompile(`^runtime\.(gc[A-Z]|bg[a-z]|wbBuf|deductSweep|\(\*sweep|\(\*gc|deductAssist|goready|ready$|newproc|wakep|startm|stopm|schedule$|findRunnable|park_m|entersyscall|exitsyscall)`)
