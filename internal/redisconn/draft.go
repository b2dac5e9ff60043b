package redisconn

import (
	"crypto/x509"
	"errors"
	"fmt"
	neturl "net/url"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// draft is an endpoint whose URL is being parsed.
type draft struct {
	address
	kind Kind
	own  map[string]string // parameters that go-redis does not know
	opt  redis.UniversalOptions
}

// locate finds the addresses of the servers. What remains in the path is the database.
func (d *draft) locate(port string) (err error) {
	switch {
	case d.scheme == "unix" && strings.Trim(d.path, "/") == "":
		return errors.New("names no socket: write unix:///PATH/OF/SOCKET")
	case d.scheme == "unix":
		d.opt.Addrs = []string{d.path}
		return nil
	case d.kind == KindSingle && len(d.hosts) > 1:
		return errors.New("names several hosts: write redis+cluster:// for the nodes of a Cluster, redis+sentinel:// for Sentinels")
	case d.kind == KindSentinel:
		d.opt.MasterName, d.path, _ = strings.Cut(strings.Trim(d.path, "/"), "/")
		if d.opt.MasterName == "" {
			return errors.New("does not name the master: write its name behind the Sentinels, as in redis+sentinel://HOST:PORT,…/MASTER")
		}
	}
	d.opt.IsClusterMode = d.kind == KindCluster
	d.opt.Addrs, err = d.addrs(port, d.kind)
	return err
}

// setOptions sets the options that go-redis parses from the URL of a single server with the
// given scheme.
func (d *draft) setOptions(scheme string) error {
	one := neturl.URL{Scheme: scheme, Path: d.path, RawQuery: d.query.Encode()}
	if scheme != "unix" {
		one.Host, one.Path = d.opt.Addrs[0], "/"+strings.Trim(d.path, "/")
	}
	if db := strings.Trim(d.path, "/"); scheme != "unix" && strings.Trim(db, "0123456789") != "" {
		return fmt.Errorf("asks for database %q: write its number, as in /0", db)
	}
	if d.query.Has("skip_verify") {
		return errors.New("has skip_verify, but certificates are always verified: name who signed yours, with ca=PATH")
	}
	opt, err := redis.ParseURL(one.String())
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "redis: "))
	}
	if d.kind == KindCluster && opt.DB != 0 {
		return fmt.Errorf("asks for database %d, but a Cluster has database 0 only: leave the number out", opt.DB)
	}
	if d.kind != KindSingle && opt.TLSConfig != nil {
		opt.TLSConfig.ServerName = "" // each server has its own name
	}
	d.adopt(opt)
	return nil
}

// adopt copies all options that can be set in a URL.
func (d *draft) adopt(from *redis.Options) {
	o := &d.opt
	o.Username, o.Password = d.user, d.password
	o.DB, o.TLSConfig, o.Protocol, o.ClientName = from.DB, from.TLSConfig, from.Protocol, from.ClientName
	o.MaxRetries, o.MinRetryBackoff, o.MaxRetryBackoff = from.MaxRetries, from.MinRetryBackoff, from.MaxRetryBackoff
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = from.DialTimeout, from.ReadTimeout, from.WriteTimeout
	o.PoolFIFO, o.PoolSize, o.PoolTimeout = from.PoolFIFO, from.PoolSize, from.PoolTimeout
	o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns = from.MinIdleConns, from.MaxIdleConns, from.MaxActiveConns
	o.MaxConcurrentDials = from.MaxConcurrentDials
	o.ConnMaxIdleTime, o.ConnMaxLifetime = from.ConnMaxIdleTime, from.ConnMaxLifetime
	o.ConnMaxLifetimeJitter = from.ConnMaxLifetimeJitter
	o.ContextTimeoutEnabled = true
	if o.PoolSize == 0 {
		o.PoolSize = poolSize
	}
}

// setSentinels sets the credentials of the Sentinels.
func (d *draft) setSentinels() error {
	user, password := d.own["sentinel_username"], d.own["sentinel_password"]
	if d.kind != KindSentinel && user+password != "" {
		return errors.New("has sentinel_username or sentinel_password, but no Sentinels: write redis+sentinel://HOST:PORT,…/MASTER, or leave them out")
	}
	if user != "" && password == "" {
		return errors.New("has sentinel_username without sentinel_password: add it")
	}
	d.opt.SentinelUsername, d.opt.SentinelPassword = user, password
	return nil
}

// setRoots reads the certificate authorities to trust.
func (d *draft) setRoots() error {
	path := d.own["ca"]
	if path == "" {
		return nil
	}
	if d.opt.TLSConfig == nil {
		return errors.New("has ca, but speaks no TLS: write rediss instead of redis, or leave ca out")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the authorities to trust: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return fmt.Errorf("ca=%q has no certificate: name a PEM file, with -----BEGIN CERTIFICATE----- in it", path)
	}
	d.opt.TLSConfig.RootCAs = roots
	return nil
}

// name returns the URL without passwords and parameters.
func (d *draft) name() string {
	name := d.scheme + "://"
	if d.user != "" {
		name += neturl.User(d.user).String() + "@"
	}
	servers, db := strings.Join(d.opt.Addrs, ","), strconv.Itoa(d.opt.DB)
	switch {
	case d.scheme == "unix":
		return name + (&neturl.URL{Path: d.path}).EscapedPath() + "?db=" + db
	case d.kind == KindSentinel:
		return name + servers + "/" + neturl.PathEscape(d.opt.MasterName) + "/" + db
	case d.kind == KindCluster:
		return name + servers
	}
	return name + servers + "/" + db
}
