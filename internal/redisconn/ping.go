package redisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

const (
	answerTime = 5 * time.Second        // how long a Redis may take to answer
	loadTick   = 200 * time.Millisecond // interval between pings while it loads its data
)

// Ping waits until the Redis behind a client of this endpoint answers; in a Cluster, all
// masters must. It waits until ctx ends for a Redis that is still loading its data, and
// five seconds for any other. The error is one line that says where, what is wrong and what
// to do. It wraps [queue.ErrUnavailable] if it may pass.
func (e Endpoint) Ping(ctx context.Context, rdb redis.UniversalClient) error {
	ticker := time.NewTicker(loadTick)
	defer ticker.Stop()
	for loading := false; ; {
		err := pingOnce(ctx, rdb)
		if err == nil {
			return nil
		}
		loading = loading && ctx.Err() != nil || loads(err)
		if !loading {
			return unanswered{e.explain(ctx, err), ctx.Err() == nil && errors.Is(Passing(err), queue.ErrUnavailable)}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still loads its data: start again when it has: %w", e.where(), context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// unanswered is why Redis does not answer. It is [queue.ErrUnavailable] if that may pass, without
// its text.
type unanswered struct {
	error
	passes bool
}

func (u unanswered) Unwrap() error        { return u.error }
func (u unanswered) Is(target error) bool { return u.passes && target == queue.ErrUnavailable }

func pingOnce(ctx context.Context, rdb redis.UniversalClient) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if cluster, ok := rdb.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return node.Ping(ctx).Err()
		})
	}
	return rdb.Ping(ctx).Err()
}

func loads(err error) bool { return strings.Contains(err.Error(), "LOADING Redis") }

// where names the Redis in errors.
func (e Endpoint) where() string {
	addrs := strings.Join(e.opt().Addrs, ", ")
	switch e.kind {
	case KindSentinel:
		return fmt.Sprintf("Redis %q of the Sentinels at %s", e.opt().MasterName, addrs)
	case KindCluster:
		return "Redis Cluster at " + addrs
	default:
		return "Redis at " + addrs
	}
}

// explain explains why a ping failed.
func (e Endpoint) explain(ctx context.Context, err error) error {
	text := err.Error()
	says := func(part string) bool { return strings.Contains(text, part) }
	var untrusted *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", e.where(), context.Cause(ctx))
	case says("redis: all sentinels"):
		return e.explainSentinels(ctx, text)
	case says("NOAUTH"):
		return fmt.Errorf("%s asks for a password: write :PASSWORD@ or USER:PASSWORD@ before the host, or add ?password_file=PATH", e.where())
	case says("WRONGPASS"), says("invalid password"):
		return fmt.Errorf("%s refuses the password%s: correct it, or ask ACL LIST there who may come in", e.where(),
			e.ofUser())
	case says("NOPERM"):
		return e.explainRights(text)
	case says("DB index is out of range"):
		return fmt.Errorf("%s has no database %d: choose a smaller number, or set databases in its redis.conf",
			e.where(), e.opt().DB)
	case says("cluster support disabled"):
		return fmt.Errorf("%s is no Cluster: write redis:// instead of redis+cluster://", e.where())
	case says("DENIED"):
		return fmt.Errorf("%s runs in protected mode and takes no connection from other machines: set a password there (requirepass)", e.where())
	case errors.As(err, &untrusted):
		return fmt.Errorf("%s has a certificate that is not trusted (%w): name who signed it, with ?ca=PATH", e.where(),
			untrusted.Err)
	}
	return e.explainSilence(ctx, err)
}

// ofUser names the user, if there is one.
func (e Endpoint) ofUser() string {
	if e.opt().Username == "" {
		return ""
	}
	return fmt.Sprintf(" of user %q", e.opt().Username)
}

// Rights are what an ACL user needs, in the syntax of ACL SETUSER.
const Rights = "~trawl:* ~asynq:* &asynq:* +@all -@dangerous +info +config|get"

func (e Endpoint) explainRights(text string) error {
	user := e.opt().Username
	if user == "" {
		user = "default"
	}
	return fmt.Errorf("%s lacks rights (%s): give them, with ACL SETUSER %s %s", e.where(), oneLine(text), user, Rights)
}

// explainSentinels explains why no Sentinel names the master.
func (e Endpoint) explainSentinels(ctx context.Context, text string) error {
	says := func(part string) bool { return strings.Contains(text, part) }
	at := strings.Join(e.opt().Addrs, ", ")
	switch {
	case says("unknown command"):
		return fmt.Errorf("no Sentinel at %s, but a Redis: write redis:// for it, or name the Sentinels (their port is 26379 as a rule)", at)
	case says("redis: nil"):
		return fmt.Errorf("the Sentinels at %s know no master %q: write the name that their sentinel monitor has", at,
			e.opt().MasterName)
	case says("NOAUTH"):
		return fmt.Errorf("the Sentinels at %s ask for a password of their own: add ?sentinel_password=PASSWORD", at)
	case says("WRONGPASS"):
		return fmt.Errorf("the Sentinels at %s refuse sentinel_password: correct it, or leave it out where they have none", at)
	}
	_, reasons, _ := strings.Cut(text, "unreachable: ")
	return e.explainSilence(ctx, errors.New(reasons))
}

// explainSilence finds out what listens at the addresses where no Redis answers.
func (e Endpoint) explainSilence(ctx context.Context, err error) error {
	what := "Redis"
	if e.kind == KindSentinel {
		what = "Sentinel"
	}
	for _, addr := range e.opt().Addrs {
		switch protocol := listen(ctx, addr); {
		case protocol == protocolPlain && e.opt().TLSConfig != nil:
			return fmt.Errorf("%s at %s speaks no TLS on that port: write redis instead of rediss, or name its tls-port", what, addr)
		case protocol == protocolTLS && e.opt().TLSConfig == nil:
			return fmt.Errorf("what is at %s speaks TLS: write rediss instead of redis", addr)
		case protocol == protocolOther, protocol == protocolTLS && strings.Contains(err.Error(), "can't parse"):
			return fmt.Errorf("what answers at %s is no Redis: correct the host or the port", addr)
		case protocol == protocolNone:
			return fmt.Errorf("no %s answers at %s (%s): start it, or correct the address", what, addr,
				oneLine(err.Error()))
		}
	}
	return fmt.Errorf("%s: %s%s", e.where(), oneLine(err.Error()), e.advice(err))
}

// advice says what to do if the servers in the URL answer, but the ones that they refer to
// do not.
func (e Endpoint) advice(err error) string {
	var network *net.OpError
	switch {
	case !errors.As(err, &network):
		return ""
	case e.kind == KindCluster:
		return ": start that node, or let it announce an address that can be reached from here (cluster-announce-ip)"
	case e.kind == KindSentinel:
		return ": wait for the Sentinels to name another master, or let them name it by an address that can be reached from here"
	}
	return ""
}

// oneLine joins the lines of text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
