package frontier

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// All key names are built in this file. The part in braces is the hash tag that keeps the
// keys of one job, or of one shard of a job, in one slot of a Redis Cluster.
//
//	trawl:schema                     STRING version of the layout of these keys
//	trawl:fleet                      STRING random ID of the fleet's data; a different ID means that Redis was emptied
//	trawl:probe                      STRING written by /readyz to check that Redis accepts writes; expires after a minute
//	trawl:jobs                       SET   names of the jobs
//	trawl:processes                  ZSET  live schedulers and workers, as JSON, by when they are forgotten
//	trawl:robots:ORIGIN              STRING robots.txt of an origin, as package robots caches it; also its tdmrep.json
//	trawl:turn:HOST                  STRING the visit that holds a host, or held it last, and jobs that share the host
//	trawl:{JOB}:job                  HASH  settings and state; last tick and run of a periodic job; a run's periodic job
//	trawl:{JOB}:ledger               HASH  pages of the job's budget that are spent and promised
//	trawl:{JOB}:spent                STRING what the job has paid and reserved, in millionths
//	trawl:{JOB}:ration               HASH  what a continuous job may fetch now, and fetched by hour for a day
//	trawl:{JOB}:domain:DOMAIN        HASH  the same for the budget of a domain, if each domain has one
//	trawl:{JOB}:holds                ZSET  those who are adding seeds to the job, by when they are forgotten
//	trawl:{JOB}:homes                SET   hosts of seeds that were added later, for the scope
//	trawl:{JOB}:ports                SET   ports open to the job because operators named them in seeds
//	trawl:{JOB}:opened               SET   hosts and networks that the operator of a crawl opened for the job
//	trawl:{JOB}:places               HASH  where each worker keeps the job's pages, and sometimes how many
//	trawl:{JOB}:troubles             HASH  why workers cannot keep its pages, by worker; expires after half a minute
//	trawl:{JOB}:awaited              HASH  writers whose output must be complete before the job ends: until when, and why
//	trawl:{JOB}:events               LIST  what happened to the job: number, unix milliseconds, name, reason
//	trawl:{JOB}:webhooks             HASH  what was delivered to each webhook: counters and notes, followed by its URL
//	trawl:{JOB}:seconds              LIST  what it had done, by second, for the last five minutes, newest first
//	trawl:{JOB}:minutes              LIST  the same by minute, for the last day
//	trawl:{JOB}:tail                 LIST  recent pages, as its workers report them while someone watches the job
//	trawl:{JOB/SHARD}:count          HASH  counters, and the number of buckets of seen
//	trawl:{JOB/SHARD}:seen:N         SET   fingerprints of bucket N (an intset)
//	trawl:{JOB/SHARD}:outlinks:N     HASH  packed links of pages, by fingerprint, where depth decides what is admitted
//	trawl:{JOB/SHARD}:nearer         ZSET  fingerprints of pages whose links must be admitted at a smaller depth, by when
//	trawl:{JOB/SHARD}:due            ZSET  hosts that wait for a visit, by when they are due
//	trawl:{JOB/SHARD}:urgent         ZSET  the due hosts with urgent URLs, with the same scores
//	trawl:{JOB/SHARD}:armed          ZSET  hosts whose visit is enqueued, by its deadline
//	trawl:{JOB/SHARD}:open           ZSET  hosts being visited, by the visit's deadline
//	trawl:{JOB/SHARD}:host:HOST      HASH  state, epoch, time of the next request, pages of a host
//	trawl:{JOB/SHARD}:queue:BAND:HOST LIST packed entries that wait, by queue.Band
//	trawl:{JOB/SHARD}:later:HOST     ZSET  packed entries to retry, prefixed by their band unless normal, by when
//	trawl:{JOB/SHARD}:flight:HOST    HASH  packed entries in flight, by ticket
//	trawl:{JOB/SHARD}:content:HOST   HASH  packed entry of the first page with each content, by digest (8 bytes)
//	trawl:{JOB/SHARD}:sketches:HOST  STRING sketches of pages, 112 bytes each, to find near duplicates
//	trawl:{JOB/SHARD}:sketched:HOST  LIST  for each of these: when it was remembered, host and packed entry of the page
//	trawl:{JOB/SHARD}:band:BUCKET    HASH  position and host of the first sketch with each band, by its hash (8 bytes)
//	trawl:{JOB/SHARD}:lessons:HOST   HASH  what rendering its pages has taught, by pattern: how many gained, and not
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
	keyPrefix  = "trawl:"
	keySchema  = keyPrefix + "schema"
	keyFleet   = keyPrefix + "fleet"
	keyProbe   = keyPrefix + "probe"
	keyJobs    = keyPrefix + "jobs"
	keyWorkers = keyPrefix + "workers"
	keySignal  = keyPrefix + "signal" // a channel, not a key
	keyRobots  = keyPrefix + "robots:"
	keyTurn    = keyPrefix + "turn:"
	// keyJobsAside is in the slot of keyJobs, so that a rename is possible.
	keyJobsAside = keyPrefix + "garbage:{" + keyJobs + "}"
	nameJob      = "job"
	nameLedger   = "ledger"
	nameSpent    = "spent"
	nameDomain   = "domain:"
	nameHolds    = "holds"
	nameHomes    = "homes"
	nameCount    = "count"
	nameSeen     = "seen:"
	nameDue      = "due"
	nameUrgent   = "urgent"
	nameArmed    = "armed"
	nameOpen     = "open"
	nameHost     = "host:"
	nameQueue    = "queue:"
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

	nameOpened   = "opened"
	namePorts    = "ports"
	namePlaces   = "places"
	keyProcesses = keyPrefix + "processes"
	nameAwaited  = "awaited"
	nameEvents   = "events"
	nameWebhooks = "webhooks"
	nameSeconds  = "seconds"
	nameMinutes  = "minutes"
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

// hostIn returns the host of a key that matches anyHost.
func hostIn(key string) crawler.Host {
	_, host, _ := strings.Cut(key, "}:"+nameHost)
	return crawler.Host(host)
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
	sum := fnv.New32a()
	sum.Write([]byte(h))
	return int(sum.Sum32() % uint32(shards))
}

// luaNames defines the key names for the scripts of a shard, one in each paragraph. KEYS[1]
// is the shard's base.
var luaNames = strings.ReplaceAll(strings.NewReplacer(
	"$count", nameCount, "$seen", nameSeen, "$due", nameDue, "$urgent", nameUrgent, "$armed", nameArmed, "$open",
	nameOpen,
	"$host", nameHost, "$queue", nameQueue, "$later", nameLater, "$flight", nameFlight,
	"$address", nameAddress,
	"$givenup", nameGivenUp, "$failures", nameFailures, "$failed:", nameFailed, "$parked", nameParked,
	"$content", nameContent,
	"$sketches:", nameSketches, "$sketched:", nameSketched, "$band:", nameBand,
	"$lessons", nameLessons,
	"$garbage", nameGarbage, "$aside", nameAside,
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
local GARBAGE = base .. '$garbage'
local QUEUES = base .. '$queue'
local function ASIDE(name) return base .. '$aside' .. name end
local function HOST(host) return base .. '$host' .. host end
local function QUEUE(band, host) return base .. '$queue' .. band .. ':' .. host end
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
