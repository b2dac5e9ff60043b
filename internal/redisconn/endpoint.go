package redisconn

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Kind is the kind of deployment of a fleet's Redis.
type Kind string

// Kinds of Redis deployments.
const (
	KindSingle   Kind = "single"   // one server
	KindSentinel Kind = "sentinel" // a master, its replicas, and Sentinels that watch them
	KindCluster  Kind = "cluster"  // a Redis Cluster
)

// poolSize is how many connections a client may keep, unless the URL sets pool_size. Visits
// use one only now and then.
const poolSize = 64

// Endpoint is the address of a fleet's Redis and how to connect to it. Only [ParseEndpoint]
// makes one. It is safe to print: passwords are left out.
type Endpoint struct {
	kind Kind
	name string
	// opt returns options that must not be modified. It is a function because they contain
	// passwords, and fmt prints all other fields.
	opt func() *redis.UniversalOptions
}

// schemes are the supported URL schemes.
var schemes = map[string]struct {
	kind Kind
	as   string // the scheme for a single server, with or without TLS
	port string // the default port
}{
	"redis":           {KindSingle, "redis", "6379"},
	"rediss":          {KindSingle, "rediss", "6379"},
	"unix":            {KindSingle, "unix", ""},
	"redis+sentinel":  {KindSentinel, "redis", "26379"},
	"rediss+sentinel": {KindSentinel, "rediss", "26379"},
	"redis+cluster":   {KindCluster, "redis", "6379"},
	"rediss+cluster":  {KindCluster, "rediss", "6379"},
}

// ParseEndpoint parses the URL of a Redis:
//
//	redis://[USER:PASSWORD@]HOST[:PORT][/DB]
//	unix://[USER:PASSWORD@]/PATH/OF/SOCKET[?db=DB]
//	redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/MASTER[/DB]
//	redis+cluster://[USER:PASSWORD@]HOST[:PORT],…
//
// or the same with rediss, rediss+sentinel and rediss+cluster, which use TLS. The user may
// be empty. User and password are those of the servers, not of the Sentinels. Parameters,
// in addition to those of [redis.ParseURL]:
//
//	password_file      file that contains the password; a trailing newline is removed
//	password_env       environment variable that contains the password
//	ca                 PEM file of the certificate authorities to trust, instead of the system's
//	sentinel_username  user of the Sentinels, if they require one
//	sentinel_password  password of the Sentinels, if they require one
//
// Server certificates are always verified: skip_verify is refused. Errors quote the URL
// without its passwords.
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

// Kind returns the kind of deployment.
func (e Endpoint) Kind() Kind { return e.kind }

// String returns the URL without passwords and parameters.
func (e Endpoint) String() string { return e.name }

// Client returns a new client, which connects on first use. Its calls respect the deadline
// of their context. The caller must close it.
func (e Endpoint) Client() redis.UniversalClient {
	opt := *e.opt()
	opt.Addrs = slices.Clone(opt.Addrs)
	opt.TLSConfig = opt.TLSConfig.Clone()
	// No other server than Redis Enterprise announces its maintenance, and a fleet survives a
	// failover without that. Asking for it would cost a lookup of the address for each client,
	// and a command for each connection.
	opt.MaintNotificationsConfig = &maintnotifications.Config{
		Mode: maintnotifications.ModeDisabled, EndpointType: maintnotifications.EndpointTypeNone,
	}
	if e.kind == KindCluster {
		cluster := opt.Cluster()
		cluster.ClusterStateReloadInterval = slotsEvery
		return redis.NewClusterClient(cluster)
	}
	return redis.NewUniversalClient(&opt)
}

// slotsEvery is how often a client asks a Cluster who serves which slots. An error of a master
// that is gone makes the client of go-redis 9.22 try again, but not ask. With its default of a
// minute, a fleet would stand still for that long after a failover of seconds.
const slotsEvery = 2 * time.Second

// MakeRedisClient is Client for asynq; it implements asynq's RedisConnOpt.
func (e Endpoint) MakeRedisClient() any { return e.Client() }
