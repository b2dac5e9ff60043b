package frontier

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// All key names are built in this file. The part in braces is the hash tag that keeps the
// keys of one job, or of one shard of a job, in one slot of a Redis Cluster.
//
//	trawl:schema                     STRING version of the layout of these keys
//	trawl:fleet                      STRING random ID of the fleet's data; a different ID means that Redis was emptied
//	trawl:probe                      STRING written by /readyz to check that Redis accepts writes; expires after a minute
//	trawl:spiller                    STRING the worker that spills blocks of queues; expires in seconds
//	trawl:budget                     STRING bytes of memory that Redis may use, as workers say; expires in seconds
//	trawl:changes                    STRING counts the changes of jobs, so that processes notice those that they missed
//	trawl:jobs                       SET   names of the jobs
//	trawl:processes                  ZSET  live schedulers and workers, as JSON, by when they are forgotten
//	trawl:robots:DAY:N               HASH  what was learned on a day of the robots.txt of origins, or their tdmrep.json
//	trawl:robotstext:DIGEST          STRING a text that several of them may have
//	trawl:turn:HOST                  STRING the visit that holds a host, or held it last, and jobs that share the host
//	trawl:guest:HOST                 HASH  the turn of rendered pages at a host that their visits do not hold
//	trawl:{JOB}:guest:HOST           HASH  the same for a job with politeness: job
//	trawl:{JOB}:job                  HASH  settings and state; last tick and run of a periodic job; a run's periodic job
//	trawl:{JOB}:ledger               HASH  pages spent and promised of the job's budget
//	trawl:{JOB}:spent                STRING what the job has paid and reserved, in millionths
//	trawl:{JOB}:ration               HASH  what a continuous job may fetch now, and fetched by hour for a day
//	trawl:{JOB}:links                STRING how many hosts link to each page of a continuous job: registers of four bits
//	trawl:{JOB}:domain:DOMAIN        HASH  pages spent and promised of a domain's budget, if each domain has one
//	trawl:{JOB}:holds                ZSET  clients that are adding seeds to the job, by when they are forgotten
//	trawl:{JOB}:homes                SET   hosts of seeds that were added later, for the scope
//	trawl:{JOB}:ports                SET   ports open to the job because operators named them in seeds
//	trawl:{JOB}:opened               SET   hosts and networks that the operator of a crawl opened for the job
//	trawl:{JOB}:places               HASH  where each worker keeps the job's pages, and sometimes how many
//	trawl:{JOB}:troubles             HASH  why workers cannot keep its pages, by worker; expires after half a minute
//	trawl:{JOB}:awaited              HASH  writers whose output must be complete before the job ends: until when, and why
//	trawl:{JOB}:events               LIST  what happened to the job: number, unix milliseconds, name, reason
//	trawl:{JOB}:webhooks             HASH  what was delivered to each webhook: counters and notes, followed by its URL
//	trawl:{JOB}:hour                 HASH  what it had done, by second, for the last hour: packed minutes
//	trawl:{JOB}:day                  HASH  the same by minute, for the last day: packed hours
//	trawl:{JOB}:tail                 LIST  recent pages, as its workers report them while someone watches the job
//	trawl:{JOB}:tail:HOST            LIST  the last twenty pages of a host, the same way, for ten minutes
//	trawl:{JOB/SHARD}:count          HASH  counters
//	trawl:{JOB/SHARD}:seen:GROUP     SET   fingerprints of a group of hosts (an intset), or its first bucket
//	trawl:{JOB/SHARD}:seen:GROUP:N   SET   another bucket of a group with many
//	trawl:{JOB/SHARD}:filters:GROUP  HASH  reference to the spilled fingerprints of a bucket, and two bytes of each
//	trawl:{JOB/SHARD}:groups         HASH  buckets of each divided group, -n if some are spilled; hashes of folded hosts
//	trawl:{JOB/SHARD}:outlinks:N     HASH  packed links of pages, by fingerprint, where depth decides what is admitted
//	trawl:{JOB/SHARD}:nearer         ZSET  fingerprints of pages whose links must be admitted at a smaller depth, by when
//	trawl:{JOB/SHARD}:due            ZSET  hosts that wait for a visit, by when they are due
//	trawl:{JOB/SHARD}:urgent         ZSET  the due hosts with urgent URLs, with the same scores
//	trawl:{JOB/SHARD}:armed          ZSET  hosts whose visit is enqueued, by its deadline
//	trawl:{JOB/SHARD}:open           ZSET  hosts being visited, by the visit's deadline
//	trawl:{JOB/SHARD}:host:HOST      HASH  of a host: state, epoch, time of the next request, pages, promise of a ration
//	trawl:{JOB/SHARD}:folded:N       HASH  the same of idle hosts about which little is known, packed
//	trawl:{JOB/SHARD}:queue:BAND:HOST LIST packed entries that wait, by queue.Band
//	trawl:{JOB/SHARD}:spills         HASH  number of references to each object of spilled blocks, and its place
//	trawl:{JOB/SHARD}:later:HOST     ZSET  packed entries to retry, prefixed by their band unless normal, by when
//	trawl:{JOB/SHARD}:flight:HOST    HASH  packed entries in flight, by ticket
//	trawl:{JOB/SHARD}:content:HOST   HASH  packed entry of the first page with each content, by digest (8 bytes)
//	trawl:{JOB/SHARD}:sketches:HOST  STRING sketches of pages, 112 bytes each, to find near duplicates
//	trawl:{JOB/SHARD}:sketched:HOST  LIST  for each of these: when it was remembered, host and packed entry of the page
//	trawl:{JOB/SHARD}:band:BUCKET    HASH  position and host of the first sketch with each band, by its hash (8 bytes)
//	trawl:{JOB/SHARD}:lessons:HOST   HASH  lessons of rendering its pages, by pattern: how many gained, how many did not
//	trawl:{JOB/SHARD}:givenup        LIST  hosts that were given up, and why: number, host, reason; the last hundred
//	trawl:{JOB/SHARD}:failures       LIST  URLs that failed for good, and why: one for each visit, the last fifty
//	trawl:{JOB/SHARD}:failed:CAUSE   LIST  URLs that failed for good or are gone, by cause: the last two hundred
//	trawl:{JOB/SHARD}:segments       ZSET  segments that are not shipped yet, by when their worker counts as lost
//	trawl:{JOB/SHARD}:unshipped      HASH  how many URLs are settled in each of these segments
//	trawl:{JOB/SHARD}:segment:SEGMENT LIST outcome, bytes, flags, band, host and packed entry of each of its URLs
//	trawl:{JOB/SHARD}:reclaimed      HASH  in a job with a budget of pages, how many pages each lost segment gives back
//	trawl:{JOB/SHARD}:address:IP     HASH  the visit that holds an address, and when the next request may be made there
//	trawl:{JOB/SHARD}:parked:IP      LIST  hosts that wait for an address
//	trawl:{JOB/SHARD}:paths:BLOCK:HOST STRING names of up to 511 pages of a continuous job (package pathblock)
//	trawl:{JOB/SHARD}:states:BLOCK:HOST STRING what is known of each of these pages, 14 bytes each
//	trawl:{JOB/SHARD}:returns        ZSET  these blocks, as BLOCK HOST, by when the first of their pages is due
//	trawl:{JOB/SHARD}:priors:HOST    HASH  how often the pages of each pattern of URLs change, by its hash
//	trawl:{JOB/SHARD}:dates:HASH     STRING hashes of what a sitemap or a feed lists, with which dates
//	trawl:{JOB/SHARD}:fence          STRING counts the waits for a replica, in a Redis Cluster
//	trawl:{JOB}:spread               HASH  pages by depth, size and status, with an example of each
//	trawl:{JOB}:garbage              LIST  garbage found in the job's own keys, the last hundred entries
//	trawl:{JOB/SHARD}:garbage        LIST  the same for the shard: keys, entries and tickets
//	trawl:{JOB}:aside:NAME           any   a key of the wrong type that was set aside; expires after a week
//	trawl:{JOB/SHARD}:aside:NAME     any   the same for the shard
//	trawl:garbage:{trawl:jobs}       any   the former trawl:jobs, if it was not a set
//
// Removing a job also removes asynq's keys of its queue:
//
//	asynq:{JOB}:…                    tasks, daily counts, whether it is paused
const (
	keyPrefix     = "trawl:"
	keySchema     = keyPrefix + "schema"
	keyFleet      = keyPrefix + "fleet"
	keyProbe      = keyPrefix + "probe"
	keySpiller    = keyPrefix + "spiller"
	keyBudget     = keyPrefix + "budget"
	keyChanges    = keyPrefix + "changes"
	keyJobs       = keyPrefix + "jobs"
	keyWorkers    = keyPrefix + "workers"
	keySignal     = keyPrefix + "signal" // a channel, not a key
	keyRobots     = keyPrefix + "robots:"
	keyRobotsText = keyPrefix + "robotstext:"
	keyTurn       = keyPrefix + "turn:"
	// keyJobsAside is in the slot of keyJobs, so that a rename is possible.
	keyJobsAside = keyPrefix + "garbage:{" + keyJobs + "}"
	nameJob      = "job"
	nameGuest    = "guest:"
	nameLedger   = "ledger"
	nameSpent    = "spent"
	nameDomain   = "domain:"
	nameHolds    = "holds"
	nameHomes    = "homes"
	nameCount    = "count"
	nameSeen     = "seen:"
	nameFilters  = "filters:"
	nameGroups   = "groups"
	nameDue      = "due"
	nameUrgent   = "urgent"
	nameArmed    = "armed"
	nameOpen     = "open"
	nameHost     = "host:"
	nameFolded   = "folded:"
	nameQueue    = "queue:"
	nameSpills   = "spills"
	nameLater    = "later:"
	nameFlight   = "flight:"

	nameAddress  = "address:"
	nameGivenUp  = "givenup"
	nameFailures = "failures"
	nameFailed   = "failed:"
	nameParked   = "parked:"
	nameContent  = "content:"
	nameSketches = "sketches:"
	nameSketched = "sketched:"
	nameBand     = "band:"
	nameLessons  = "lessons:"
	nameTroubles = "troubles"
	nameFence    = "fence"
	nameDates    = "dates:"
	nameOutlinks = "outlinks:"
	nameNearer   = "nearer"
	namePaths    = "paths:"
	nameStates   = "states:"
	nameReturns  = "returns"
	namePriors   = "priors:"
	nameRation   = "ration"
	nameLinks    = "links"

	nameOpened   = "opened"
	namePorts    = "ports"
	namePlaces   = "places"
	keyProcesses = keyPrefix + "processes"
	nameAwaited  = "awaited"
	nameEvents   = "events"
	nameWebhooks = "webhooks"
	nameHour     = "hour" // earlier versions had lists in "seconds" and "minutes"
	nameDay      = "day"
	nameTail     = "tail"
	nameSpread   = "spread"
	nameGarbage  = "garbage"
	nameAside    = "aside:"

	nameSegments  = "segments"
	nameUnshipped = "unshipped"
	nameSegment   = "segment:"
	nameReclaimed = "reclaimed"
)

// keyQueues is asynq's set of queues.
const keyQueues = "asynq:queues"

// jobBase returns the prefix of a job's own keys.
func jobBase(job string) string { return keyPrefix + "{" + job + "}:" }

// shardBase returns the prefix of a shard's keys.
func shardBase(job string, shard int) string {
	return fmt.Sprintf("%s{%s/%d}:", keyPrefix, job, shard)
}

// anyKey returns the pattern of all keys of a job and its shards. Names of jobs contain no
// special characters of patterns.
func anyKey(job string) string { return keyPrefix + "{" + job + "[}/]*" }

// anyHost returns the pattern of the keys of all hosts of a job.
func anyHost(job string) string { return keyPrefix + "{" + job + "/*}:" + nameHost + "*" }

// anyFolded returns the pattern of the keys of folded hosts of a job.
func anyFolded(job string) string { return keyPrefix + "{" + job + "/*}:" + nameFolded + "*" }

// hostIn returns the host of a key that matches anyHost.
func hostIn(key string) crawler.Host {
	_, host, _ := strings.Cut(key, "}:"+nameHost)
	return crawler.Host(host)
}

// anySeen returns the pattern of the buckets of seen of a job.
func anySeen(job string) string { return keyPrefix + "{" + job + "/*}:" + nameSeen + "*" }

// anyFilters returns the pattern of the filters of spilled buckets of seen of a job.
func anyFilters(job string) string { return keyPrefix + "{" + job + "/*}:" + nameFilters + "*" }

// groupIn returns the group of hosts of a key that matches anySeen or anyFilters.
func groupIn(key string) (group int, ok bool) {
	_, text, _ := strings.Cut(key, "}:")
	_, text, _ = strings.Cut(text, ":")
	text, _, _ = strings.Cut(text, ":")
	group, err := strconv.Atoi(text)
	return group, err == nil && 0 <= group && group < groups
}

// shardIn returns the shard of one of its keys.
func shardIn(key string) int {
	_, rest, _ := strings.Cut(key, "/")
	text, _, _ := strings.Cut(rest, "}")
	shard, _ := strconv.Atoi(text)
	return shard
}

// queueBase returns the prefix of asynq's keys of a job's queue.
func queueBase(job string) string { return "asynq:{" + job + "}:" }

// holdKey returns the key of a host's hold, which all jobs of the fleet share.
func holdKey(h crawler.Host) string { return keyTurn + string(h) }

// shardOf distributes hosts over shards.
func shardOf(h crawler.Host, shards int) int {
	if shards == 1 {
		return 0
	}
	return int(hashOf(h) % uint32(shards))
}

// hashOf returns the FNV-1a hash of a host or an origin.
func hashOf[T ~string](s T) uint32 {
	sum := uint32(2166136261)
	for i := range len(s) {
		sum = (sum ^ uint32(s[i])) * 16777619
	}
	return sum
}

// luaNames defines the key names for the scripts of a shard, one in each paragraph. KEYS[1]
// is the shard's base.
var luaNames = strings.ReplaceAll(strings.NewReplacer(
	"$count", nameCount, "$seen", nameSeen, "$groups", nameGroups, "$filters", nameFilters,
	"$due", nameDue, "$urgent", nameUrgent, "$armed", nameArmed, "$open", nameOpen,
	"$host", nameHost, "$folded", nameFolded, "$queue", nameQueue, "$later", nameLater, "$flight", nameFlight,
	"$address", nameAddress,
	"$givenup", nameGivenUp, "$failures", nameFailures, "$failed:", nameFailed, "$parked", nameParked,
	"$content", nameContent,
	"$sketches:", nameSketches, "$sketched:", nameSketched, "$band:", nameBand,
	"$lessons", nameLessons,
	"$garbage", nameGarbage, "$aside", nameAside,
	"$spills", nameSpills,
	"$unshipped", nameUnshipped, "$reclaimed", nameReclaimed, "$segments", nameSegments, "$segment:", nameSegment,
	"$outlinks", nameOutlinks, "$nearer", nameNearer,
	"$paths:", namePaths, "$states:", nameStates, "$returns", nameReturns, "$priors:", namePriors,
).Replace(`
local base = KEYS[1]
local COUNT = base .. '$count'
local DUE = base .. '$due'
local URGENT = base .. '$urgent'
local ARMED = base .. '$armed'
local OPEN = base .. '$open'
local function SEEN(bucket) return base .. '$seen' .. bucket end
local GROUPS = base .. '$groups'
local function FILTERS(group) return base .. '$filters' .. group end
local GARBAGE = base .. '$garbage'
local QUEUES = base .. '$queue'
local function ASIDE(name) return base .. '$aside' .. name end
local function HOST(host) return base .. '$host' .. host end
local function FOLD(part) return base .. '$folded' .. part end
local function QUEUE(band, host) return base .. '$queue' .. band .. ':' .. host end
local SPILLS = base .. '$spills'
local function LATER(host) return base .. '$later' .. host end
local function FLIGHT(host) return base .. '$flight' .. host end
local GIVENUP = base .. '$givenup'
local FAILURES = base .. '$failures'
local function FAILED(cause) return base .. '$failed:' .. cause end
local function ADDRESS(ip) return base .. '$address' .. ip end
local function PARKED(ip) return base .. '$parked' .. ip end
local SEGMENTS = base .. '$segments'
local UNSHIPPED = base .. '$unshipped'
local RECLAIMED = base .. '$reclaimed'
local function SEGMENT(name) return base .. '$segment:' .. name end
local function CONTENT(host) return base .. '$content' .. host end
local function SKETCHES(host) return base .. '$sketches:' .. host end
local function SKETCHED(host) return base .. '$sketched:' .. host end
local function BAND(bucket) return base .. '$band:' .. bucket end
local function LESSONS(host) return base .. '$lessons' .. host end
local NEARER = base .. '$nearer'
local RETURNS = base .. '$returns'
local function PATHS(block, host) return base .. '$paths:' .. string.format('%d', block) .. ':' .. host end
local function STATES(block, host) return base .. '$states:' .. string.format('%d', block) .. ':' .. host end
local ALL_PATHS, ALL_STATES = base .. '$paths:', base .. '$states:'
local function PRIORS(host) return base .. '$priors:' .. host end
local function OUTLINKS(part) return base .. '$outlinks' .. part end
`), "\n", "\n\n")
