package frontier

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Kind is how the Redis of a fleet is kept.
type Kind string

// The kinds of Redis.
const (
	KindSingle   Kind = "single"   // one server
	KindSentinel Kind = "sentinel" // a master, its replicas, and Sentinels that watch them
	KindCluster  Kind = "cluster"  // a Redis Cluster
)

// poolSize is for how many calls at once a client keeps connections, unless the
// URL has pool_size: visits make one now and then only.
const poolSize = 64

// Endpoint is where the Redis of a fleet is found, and how. Only [ParseEndpoint]
// makes one. It may be printed: the passwords in it are not.
type Endpoint struct {
	kind Kind
	name string
	// opt returns what no one may change. It is a function because it has the
	// passwords, and fmt looks into everything else.
	opt func() *redis.UniversalOptions
}

// schemes are the beginnings of URLs, by what they mean.
var schemes = map[string]struct {
	kind Kind
	as   string // the scheme of one server, with or without TLS
	port string // where the servers listen by default
}{
	"redis":           {KindSingle, "redis", "6379"},
	"rediss":          {KindSingle, "rediss", "6379"},
	"unix":            {KindSingle, "unix", ""},
	"redis+sentinel":  {KindSentinel, "redis", "26379"},
	"rediss+sentinel": {KindSentinel, "rediss", "26379"},
	"redis+cluster":   {KindCluster, "redis", "6379"},
	"rediss+cluster":  {KindCluster, "rediss", "6379"},
}

// ParseEndpoint reads the URL of a Redis:
//
//	redis://[USER:PASSWORD@]HOST[:PORT][/DB]
//	unix://[USER:PASSWORD@]/PATH/OF/SOCKET[?db=DB]
//	redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DB]
//	redis+cluster://[USER:PASSWORD@]HOST[:PORT],…
//
// and rediss, rediss+sentinel and rediss+cluster, which speak TLS. The user may
// be empty; user and password are those of the servers, not of the Sentinels.
// Parameters, beside those of [redis.ParseURL]:
//
//	password_file      file to read the password from; a newline at its end is cut
//	password_env       variable of the environment to take the password from
//	ca                 PEM file with the authorities to trust, instead of the system's
//	sentinel_username  user and password of the Sentinels, where they ask for one
//	sentinel_password
//
// A server's certificate is always verified: skip_verify is refused. Errors
// quote the URL without its passwords.
func ParseEndpoint(text string) (Endpoint, error) {
	e, err := parseEndpoint(strings.TrimSpace(text))
	if err != nil {
		return Endpoint{}, fmt.Errorf("URL of Redis %q: %w", hideSecrets(text), err)
	}
	return e, nil
}

func parseEndpoint(text string) (Endpoint, error) {
	a, err := splitAddress(text)
	if err != nil {
		return Endpoint{}, err
	}
	scheme, known := schemes[a.scheme]
	if !known {
		return Endpoint{}, fmt.Errorf("begins with %q: write redis://HOST:PORT, rediss:// for TLS, unix:///PATH, redis+sentinel://HOST:PORT,…/MASTER or redis+cluster://HOST:PORT,…", a.scheme+"://")
	}
	d := draft{address: a, kind: scheme.kind, own: a.takeParameters()}
	for _, step := range []func() error{
		func() error { return d.locate(scheme.port) },
		func() error { return d.takePassword(d.own["password_env"]) },
		func() error { return d.readPassword(d.own["password_file"]) },
		func() error { return d.setOptions(scheme.as) },
		d.setSentinels, d.setRoots,
	} {
		if err := step(); err != nil {
			return Endpoint{}, err
		}
	}
	return Endpoint{d.kind, d.name(), func() *redis.UniversalOptions { return &d.opt }}, nil
}

// Kind returns how the Redis is kept.
func (e Endpoint) Kind() Kind { return e.kind }

// String returns the URL without passwords and parameters.
func (e Endpoint) String() string { return e.name }

// Client returns a new client, which connects when it is first used. Its calls
// obey the deadline of their context. The caller closes it.
func (e Endpoint) Client() redis.UniversalClient {
	opt := *e.opt()
	opt.Addrs = slices.Clone(opt.Addrs)
	opt.TLSConfig = opt.TLSConfig.Clone()
	return redis.NewUniversalClient(&opt)
}

// MakeRedisClient does the same for asynq, as its RedisConnOpt.
func (e Endpoint) MakeRedisClient() any { return e.Client() }
