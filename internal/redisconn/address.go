package redisconn

import (
	"errors"
	"fmt"
	"net"
	neturl "net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// address is a parsed Redis URL. net/url cannot parse it, because it allows only one host.
type address struct {
	scheme         string
	user, password string
	hosts          []string // as written
	path           string   // decoded
	query          neturl.Values
}

// These errors replace those of net/url, which could quote a password.
var (
	errNoURL   = errors.New("is not a URL: write redis://HOST:PORT")
	errEscape  = errors.New("is not percent-encoded: in a user name or password, write %25 for %, %2F for /, %3F for ?, %23 for #, %3A for a colon and %40 for @")
	errNoPass  = errors.New("has a user name without a password: write USER:PASSWORD@, :PASSWORD@ where there are no users, or add password_file=PATH or password_env=NAME")
	errTwoPass = errors.New("has a password and a password_file, or a password_env: leave one of them out")
)

// splitAddress parses a URL into its parts.
func splitAddress(text string) (address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return address{}, errNoURL
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	a := address{scheme: strings.ToLower(scheme)}
	authority, behind := rest[:end], rest[end:]
	path, query, _ := strings.Cut(behind, "?")
	user, hosts, hasUser := cutLast(authority, "@")
	if strings.Contains(behind, "#") || !hasUser && a.scheme != "unix" && strings.Contains(path, "@") {
		return address{}, errEscape
	}
	var errs [4]error
	name, password, _ := strings.Cut(user, ":")
	a.user, errs[0] = neturl.PathUnescape(name)
	a.password, errs[1] = neturl.PathUnescape(password)
	a.path, errs[2] = neturl.PathUnescape(path)
	a.query, errs[3] = neturl.ParseQuery(query)
	if errors.Join(errs[:]...) != nil {
		return address{}, errEscape
	}
	a.hosts = strings.Split(hosts, ",")
	return a, nil
}

// cutLast cuts text at the last sep. Without a sep, behind is all of text.
func cutLast(text, sep string) (before, behind string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+len(sep):], true
}

// ownParameters are the parameters of the URL that go-redis does not know.
var ownParameters = []string{"password_file", "password_env", "ca", "sentinel_username", "sentinel_password"}

// takeParameters removes and returns the parameters that go-redis does not know.
func (a *address) takeParameters() map[string]string {
	own := make(map[string]string)
	for _, name := range ownParameters {
		own[name] = a.query.Get(name)
		a.query.Del(name)
	}
	return own
}

// takePassword reads the password from an environment variable, if one is named.
func (a *address) takePassword(variable string) error {
	switch {
	case variable == "":
		return nil
	case a.password != "":
		return errTwoPass
	}
	if a.password = os.Getenv(variable); a.password == "" {
		return fmt.Errorf("password_env=%q: there is no such variable in the environment, or it is empty", variable)
	}
	return nil
}

// readPassword reads the password from a file, if one is named. It refuses a user without a
// password, because go-redis would ignore the user.
func (a *address) readPassword(file string) error {
	switch {
	case file != "" && a.password != "":
		return errTwoPass
	case file == "" && a.password == "" && a.user != "":
		return errNoPass
	case file == "":
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the password: %w", err)
	}
	a.password = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if a.password == "" {
		return fmt.Errorf("password_file=%q is empty: write the password into it", file)
	}
	return nil
}

// addrs returns the servers as addresses for net.Dial.
func (a *address) addrs(port string, kind Kind) ([]string, error) {
	var addrs []string
	for _, h := range a.hosts {
		if h == "" && kind == KindSingle {
			h = "localhost" // the default of go-redis
		}
		addr, ok := hostPort(h, port)
		if !ok {
			return nil, errors.New("does not say where Redis is: write HOST:PORT, with a port from 1 to 65535, and the address of an IPv6 host in brackets")
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// plainHost is a host with or without a port: a name, an IPv4 or an IPv6 address.
var plainHost = regexp.MustCompile(`^(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)\])(?::([0-9]+))?$`)

// hostPort adds the default port to a host that has none.
func hostPort(host, port string) (addr string, ok bool) {
	m := plainHost.FindStringSubmatch(host)
	if m == nil {
		return "", false
	}
	if m[3] != "" {
		port = m[3]
	}
	n, err := strconv.Atoi(port)
	v6 := strings.Replace(m[2], "%25", "%", 1) // the zone, RFC 6874
	return net.JoinHostPort(m[1]+v6, port), err == nil && n >= 1 && n <= 65535
}

// hideSecrets returns text, which may not be a valid URL, without anything that may be a
// password: everything before the last @, invalid hosts, and the values of parameters.
func hideSecrets(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if ok {
		scheme += "://"
	} else {
		scheme, rest = "", text
	}
	if at, asked := strings.LastIndex(rest, "@"), strings.Index(rest, "?"); asked >= 0 && asked < at {
		return scheme + "…" // a password with ? in it, or a parameter with @
	}
	if _, behind, found := cutLast(rest, "@"); found {
		scheme, rest = scheme+"…@", behind
	}
	place, query, asked := strings.Cut(rest, "?")
	hosts, _, _ := strings.Cut(place, "/")
	for h := range strings.SplitSeq(hosts, ",") {
		if h != "" && !plainHost.MatchString(h) {
			return scheme + "…"
		}
	}
	if asked {
		return scheme + place + "?" + hideValues(query)
	}
	return scheme + place
}

// hideValues keeps only the names of parameters.
func hideValues(query string) string {
	parameters := strings.Split(query, "&")
	for i, p := range parameters {
		if name, _, ok := strings.Cut(p, "="); ok {
			parameters[i] = name + "=…"
		}
	}
	return strings.Join(parameters, "&")
}
