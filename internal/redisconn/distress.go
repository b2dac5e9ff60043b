package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// Full returns an error if the memory of a Redis is used up. It returns nil if the server
// does not tell.
func Full(ctx context.Context, node *redis.Client) error {
	text, err := node.Info(ctx, "memory").Result()
	if err != nil {
		return nil // INFO may be forbidden
	}
	return fullness(whereIs(node), parseInfo(text))
}

// fullness returns an error if the memory of a Redis is used up.
func fullness(where string, facts map[string]string) error {
	used, _ := strconv.ParseInt(facts["used_memory"], 10, 64)
	limit, _ := strconv.ParseInt(facts["maxmemory"], 10, 64)
	if limit == 0 || used <= limit {
		return nil
	}
	return fmt.Errorf("%s: %s (it uses %d of %d bytes)", where, adviceFull, used, limit)
}

const adviceFull = "Redis is full (maxmemory): raise maxmemory there, or remove jobs that you no longer need (trawl job rm); the crawl continues by itself"

// distresses explains the errors of Redis, by the word that each begins with.
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
	"NOPERM":      "Redis refuses what its user may not do (ACL): give it the rights, with ACL SETUSER: " + Rights,
	"BUSY":        "Redis is busy with a script of another program: wait, or run SCRIPT KILL there",
}

// distress is an error of Redis with an explanation.
type distress struct {
	advice string
	err    error
}

func (d distress) Error() string { return fmt.Sprintf("%s (%v)", d.advice, d.err) }
func (d distress) Unwrap() error { return d.err }

// Advice says what is wrong and what to do. It leaves out the error of Redis, which may
// contain its address, so it can be shown to anyone.
func (d distress) Advice() string { return d.advice }

// Distress explains an error of Redis: what is wrong and what to do. It returns errors that
// it does not know, or that are explained already, unchanged.
func Distress(err error) error {
	var network net.Error
	switch advice := distresses[ErrorWord(err)]; {
	case err == nil || errors.Is(err, queue.ErrLayout):
		return err
	case advice != "":
		return distress{advice, err}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return distress{"Redis does not answer in time: it hangs, is overloaded, or the network to it is cut", err}
	case errors.As(err, &network), errors.Is(Passing(err), queue.ErrUnavailable):
		return distress{"Redis is unreachable: start it, or correct its address in the URL", err}
	}
	return err
}
