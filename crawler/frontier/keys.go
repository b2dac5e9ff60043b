package frontier

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Every key's name is made in this file. Braces hold the hash tag that keeps
// the keys of one job, or of one shard of a job, in one slot of a Redis
// Cluster.
//
//	trawl:schema                     STRING version of the layout of all these keys
//	trawl:fleet                      STRING a random ID of the fleet's data: another one says that Redis was emptied
//	trawl:probe                      STRING written by /readyz to find out whether Redis takes writes; gone a minute after
//	trawl:jobs                       SET   names of the jobs
//	trawl:processes                  ZSET  schedulers and workers that live, as JSON, by when that is forgotten
//	trawl:robots:ORIGIN              STRING robots.txt of an authority, as package robots caches it
//	trawl:turn:HOST                  STRING the visit that holds a host in the fleet, or held it last, and jobs that share it
//	trawl:{JOB}:job                  HASH  settings and state of a job; last tick and run of a periodic one, and of a run whose it is
//	trawl:{JOB}:ledger               HASH  pages spent and promised of the job's budget
//	trawl:{JOB}:holds                ZSET  who brings the job seeds, by when that is forgotten
//	trawl:{JOB}:homes                SET   hosts of seeds that were brought later, for the scope
//	trawl:{JOB}:opened               SET   hosts and networks that the operator of a crawl opened to the job's connections
//	trawl:{JOB}:places               HASH  where each worker keeps the job's pages, and of a crawl beside other workers how many
//	trawl:{JOB}:troubles             HASH  why workers can not keep its pages, by worker; gone half a minute after the last said so
//	trawl:{JOB}:awaited              HASH  the writers whose output the job's end waits for: until when, and why
//	trawl:{JOB/SHARD}:count          HASH  counters, and the number of seen's buckets
//	trawl:{JOB/SHARD}:seen:N         SET   fingerprints of bucket N (an intset)
//	trawl:{JOB/SHARD}:outlinks:N     HASH  packed links of pages, by fingerprint, where depth decides what is admitted
//	trawl:{JOB/SHARD}:nearer         ZSET  fingerprints of pages whose links are to be admitted at a smaller depth, by when
//	trawl:{JOB/SHARD}:due            ZSET  hosts that wait for a visit, by when they are due
//	trawl:{JOB/SHARD}:urgent         ZSET  of these, hosts with urgent URLs, by the same
//	trawl:{JOB/SHARD}:armed          ZSET  hosts whose visit is enqueued, by its deadline
//	trawl:{JOB/SHARD}:open           ZSET  hosts that are visited, by the visit's deadline
//	trawl:{JOB/SHARD}:host:HOST      HASH  state, epoch, next request, pages of a host
//	trawl:{JOB/SHARD}:queue:BAND:HOST LIST packed entries that wait, by crawler.Band
//	trawl:{JOB/SHARD}:later:HOST     ZSET  packed entries to be tried again, behind their band if it is not the normal one, by when
//	trawl:{JOB/SHARD}:flight:HOST    HASH  packed entries in flight, by ticket
//	trawl:{JOB/SHARD}:content:HOST   HASH  packed entry of the first page with a content, by its digest's first 8 bytes
//	trawl:{JOB/SHARD}:failures       LIST  URLs that failed for good, and why: one of a visit, the last fifty
//	trawl:{JOB/SHARD}:segments       ZSET  segments that are not shipped yet, by when their worker counts as lost
//	trawl:{JOB/SHARD}:unshipped      HASH  how many URLs are settled in each of them
//	trawl:{JOB/SHARD}:segment:SEGMENT LIST outcome, bytes, flags, band, host and packed entry of each
//	trawl:{JOB/SHARD}:reclaimed      HASH  with a budget of pages: how many a lost segment gives back
//	trawl:{JOB/SHARD}:address:IP     HASH  the visit that holds an address, and when the next may ask there
//	trawl:{JOB/SHARD}:parked:IP      LIST  hosts that wait for an address
//	trawl:{JOB/SHARD}:fence          STRING counts the waits for a replica, in a Redis Cluster
//	trawl:{JOB}:garbage              LIST  what of the job's own keys was not what it should be, the last hundred
//	trawl:{JOB/SHARD}:garbage        LIST  the same of the shard: keys, entries and tickets
//	trawl:{JOB}:aside:NAME           any   a key of the wrong type that was set aside; gone after a week
//	trawl:{JOB/SHARD}:aside:NAME     any   the same of the shard
//	trawl:garbage:{trawl:jobs}       any   what trawl:jobs was when it was no set
//
// What asynq keeps of a job's queue is removed with the job:
//
//	asynq:{JOB}:…                    tasks, counts of each day, whether it is paused
const (
	keyPrefix  = "trawl:"
	keySchema  = keyPrefix + "schema"
	keyFleet   = keyPrefix + "fleet"
	keyProbe   = keyPrefix + "probe"
	keyJobs    = keyPrefix + "jobs"
	keyWorkers = keyPrefix + "workers"
	keyRobots  = keyPrefix + "robots:"
	keyTurn    = keyPrefix + "turn:"
	// keyJobsAside lies in the slot of keyJobs, so that it can be renamed to it.
	keyJobsAside = keyPrefix + "garbage:{" + keyJobs + "}"
	nameJob      = "job"
	nameLedger   = "ledger"
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
	nameFailures = "failures"
	nameParked   = "parked:"
	nameContent  = "content:"
	nameTroubles = "troubles"
	nameFence    = "fence"
	nameOutlinks = "outlinks:"
	nameNearer   = "nearer"

	nameOpened   = "opened"
	namePlaces   = "places"
	keyProcesses = keyPrefix + "processes"
	nameAwaited  = "awaited"
	nameGarbage  = "garbage"
	nameAside    = "aside:"

	nameSegments  = "segments"
	nameUnshipped = "unshipped"
	nameSegment   = "segment:"
	nameReclaimed = "reclaimed"
)

// keyQueues is the set in which asynq lists its queues.
const keyQueues = "asynq:queues"

// jobBase is the beginning of the names of a job's own keys.
func jobBase(job string) string { return keyPrefix + "{" + job + "}:" }

// shardBase is the beginning of the names of a shard's keys.
func shardBase(job string, shard int) string {
	return fmt.Sprintf("%s{%s/%d}:", keyPrefix, job, shard)
}

// anyKey is the pattern of all keys of a job, its own and those of its shards. A
// name has no letters that mean something in a pattern.
func anyKey(job string) string { return keyPrefix + "{" + job + "[}/]*" }

// anyHost is the pattern of the keys of all hosts of a job.
func anyHost(job string) string { return keyPrefix + "{" + job + "/*}:" + nameHost + "*" }

// hostIn is the host that a key is of which anyHost fits.
func hostIn(key string) crawler.Host {
	_, host, _ := strings.Cut(key, "}:"+nameHost)
	return crawler.Host(host)
}

// queueBase is the beginning of the names of asynq's keys of a job's queue.
func queueBase(job string) string { return "asynq:{" + job + "}:" }

// holdKey is the name of a host's hold, which all jobs of the fleet share.
func holdKey(h crawler.Host) string { return keyTurn + string(h) }

// shardOf spreads hosts over shards.
func shardOf(h crawler.Host, shards int) int {
	if shards == 1 {
		return 0
	}
	sum := fnv.New32a()
	sum.Write([]byte(h))
	return int(sum.Sum32() % uint32(shards))
}

// luaNames gives the scripts of a shard their keys' names. KEYS[1] is the
// shard's base.
var luaNames = strings.NewReplacer(
	"$count", nameCount, "$seen", nameSeen, "$due", nameDue, "$urgent", nameUrgent, "$armed", nameArmed, "$open", nameOpen,
	"$host", nameHost, "$queue", nameQueue, "$later", nameLater, "$flight", nameFlight,
	"$address", nameAddress, "$failures", nameFailures, "$parked", nameParked, "$content", nameContent,
	"$garbage", nameGarbage, "$aside", nameAside,
	"$unshipped", nameUnshipped, "$reclaimed", nameReclaimed, "$segments", nameSegments, "$segment:", nameSegment,
).Replace(`
local base = KEYS[1]
local COUNT, DUE, ARMED, OPEN = base .. '$count', base .. '$due', base .. '$armed', base .. '$open'
local URGENT = base .. '$urgent'
local function SEEN(bucket) return base .. '$seen' .. bucket end
local GARBAGE, QUEUES = base .. '$garbage', base .. '$queue'
local function ASIDE(name) return base .. '$aside' .. name end
local function HOST(host) return base .. '$host' .. host end
local function QUEUE(band, host) return base .. '$queue' .. band .. ':' .. host end
local function LATER(host) return base .. '$later' .. host end
local function FLIGHT(host) return base .. '$flight' .. host end
local FAILURES = base .. '$failures'
local function ADDRESS(ip) return base .. '$address' .. ip end
local function PARKED(ip) return base .. '$parked' .. ip end
local SEGMENTS, UNSHIPPED, RECLAIMED = base .. '$segments', base .. '$unshipped', base .. '$reclaimed'
local function SEGMENT(name) return base .. '$segment:' .. name end
local function CONTENT(host) return base .. '$content' .. host end
`)

// luaDepthNames gives more of them to the scripts of jobs in which depth decides
// what is admitted.
var luaDepthNames = strings.NewReplacer("$outlinks", nameOutlinks, "$nearer", nameNearer).Replace(`
local NEARER = base .. '$nearer'
local function OUTLINKS(part) return base .. '$outlinks' .. part end
`)
