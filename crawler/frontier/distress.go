package frontier

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// probeTerm is for how long what [Store.Probe] writes stays.
const probeTerm = time.Minute

// Probe finds out whether the Redis can be read and written now. The error is one
// line that says what is wrong and what to do; it names no address and no password.
func (s *Store) Probe(ctx context.Context) error {
	if _, err := s.Jobs(ctx); err != nil {
		return Distress(err)
	}
	if err := s.rdb.Set(ctx, keyProbe, "1", probeTerm).Err(); err != nil {
		return Distress(err)
	}
	return s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, cluster bool) error {
		if !cluster {
			return nil // the probe was written there
		}
		text, err := node.Info(ctx, "memory").Result()
		if err != nil {
			return nil // it need not tell
		}
		return fullness(whereIs(node), parseInfo(text))
	})
}

// fullness is the error of a Redis whose memory is used up; nil of any other.
func fullness(where string, facts map[string]string) error {
	used, _ := strconv.ParseInt(facts["used_memory"], 10, 64)
	limit, _ := strconv.ParseInt(facts["maxmemory"], 10, 64)
	if limit == 0 || used <= limit {
		return nil
	}
	return fmt.Errorf("%s: %s (it uses %d of %d bytes)", where, adviceFull, used, limit)
}

const adviceFull = "Redis is full (maxmemory): raise maxmemory there, or remove jobs that you need no more (trawl job rm); the crawl goes on by itself"

// distresses are what the errors of a Redis mean, by the word that each begins with.
var distresses = map[string]string{
	"OOM":         adviceFull,
	"READONLY":    "Redis is a read-only replica: name its master, or the Sentinels that know it; after a failover this passes by itself",
	"LOADING":     "Redis is loading its data: wait until it has",
	"MISCONF":     "Redis cannot write its data to disk and takes no writes: free space on its disk, and look into its log",
	"NOREPLICAS":  "Redis takes no writes because too few of its replicas answer (min-replicas-to-write): start them",
	"MASTERDOWN":  "Redis is a replica whose master does not answer: start the master, or wait for the failover",
	"CLUSTERDOWN": "the Redis Cluster is down: some slots are not served: start their nodes, or run redis-cli --cluster fix",
	"NOAUTH":      "Redis asks for a password: write it into the URL, as :PASSWORD@ or USER:PASSWORD@ before the host, or add ?password_file=PATH",
	"WRONGPASS":   "Redis refuses the password: correct it in the URL, or in the file that password_file names",
	"NOPERM":      "Redis refuses what its user may not do (ACL): give it the rights, with ACL SETUSER: " + rights,
	"BUSY":        "Redis is busy with a script of another program: wait, or run SCRIPT KILL there",
}

// distress is an error of Redis in words.
type distress struct {
	advice string
	err    error
}

func (d distress) Error() string { return fmt.Sprintf("%s (%v)", d.advice, d.err) }
func (d distress) Unwrap() error { return d.err }

// Advice is what is wrong and what to do, without what Redis said, which may name
// its address: it may be told to anyone.
func (d distress) Advice() string { return d.advice }

// Distress words an error of Redis for a person: what is wrong and what to do. An
// error that it does not know, or that is worded already, it returns as it is.
func Distress(err error) error {
	var network net.Error
	switch advice := distresses[errorWord(err)]; {
	case err == nil || errors.Is(err, crawler.ErrLayout):
		return err
	case advice != "":
		return distress{advice, err}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return distress{"Redis does not answer in time: it hangs, is overloaded, or the network to it is cut", err}
	case errors.As(err, &network), errors.Is(passing(err), crawler.ErrUnavailable):
		return distress{"Redis is unreachable: start it, or correct its address in the URL", err}
	}
	return err
}
