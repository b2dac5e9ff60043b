package rules

import (
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// The rules of identity: by each, two URLs are the same page although they are not ==. They hold
// for most sites but not for all, so a job has none by default. They only decide what is a
// duplicate: the URL that came first is fetched as it is.
const (
	SameOrder    string = "order"    // the order of parameters does not matter
	SameTracking string = "tracking" // utm_*, gclid, fbclid and the like do not matter
	SameSession  string = "session"  // jsessionid, PHPSESSID and the like do not matter
	SameSlash    string = "slash"    // /a/ is the same as /a
	SameIndex    string = "index"    // /a/index.html is the same as /a/
	SameWWW      string = "www"      // www.example.com is the same as example.com
	SameScheme   string = "scheme"   // https is the same as http
)

// SameKinds lists the rules of identity.
var SameKinds = []string{SameOrder, SameTracking, SameSession, SameSlash, SameIndex, SameWWW, SameScheme}

// trackers are parameters that say where a visitor came from. A name that ends in "_"
// stands for all names with that prefix.
var trackers = []string{
	"utm_", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "yclid", "twclid", "ttclid", "igshid",
	"li_fat_id",
	"mc_cid", "mc_eid", "mkt_tok", "_ga", "_gl", "_hsenc", "_hsmi", "hsctatracking", "vero_id", "vero_conv",
	"oly_anon_id", "oly_enc_id",
	"wickedid", "pk_", "mtm_", "matomo_", "piwik_", "at_", "ns_campaign", "ns_mchannel", "ns_source",
}

// sessions are parameters that identify a visitor.
var sessions = []string{"jsessionid", "phpsessid", "aspsessionid", "sessionid", "session_id", "cfid", "cftoken",
	"zenid", "oscsid"}

// indexes are names of files that a server shows for their folder.
var indexes = []string{"index.html", "index.htm", "index.php", "index.shtml", "index.xhtml", "default.asp",
	"default.aspx", "default.htm"}

// Identity says which URLs are the same page to a job.
type Identity struct{ rules []string }

// NewIdentity returns the identity rules of a job.
func NewIdentity(s crawler.ScopeSettings) Identity { return Identity{s.Same} }

func (id Identity) has(rule string) bool { return slices.Contains(id.rules, rule) }

// Key returns what URLs of the same page have in common. Without rules, it is the URL
// itself.
func (id Identity) Key(u crawler.URL) string {
	if len(id.rules) == 0 {
		return u.String()
	}
	scheme, host := u.Scheme(), string(u.Host())
	if id.has(SameScheme) {
		scheme = "http"
	}
	path, query, asks := strings.Cut(u.Path(), "?")
	if asks {
		query = id.query(query)
	}
	key := scheme + "://" + string(id.Host(crawler.Host(host))) + id.path(path)
	if query != "" || asks && len(u.Path()) == len(path)+1 {
		key += "?" + query
	}
	return key
}

// Host returns what the hosts of the same page have in common.
func (id Identity) Host(h crawler.Host) crawler.Host {
	if id.has(SameWWW) {
		return crawler.Host(strings.TrimPrefix(string(h), "www."))
	}
	return h
}

func (id Identity) path(path string) string {
	if id.has(SameSession) {
		if i := strings.IndexByte(path, ';'); i >= 0 && named(path[i+1:], sessions) {
			rest := ""
			if end := strings.IndexByte(path[i:], '/'); end >= 0 {
				rest = path[i+end:]
			}
			path = path[:i] + rest
		}
	}
	if id.has(SameIndex) {
		slash := strings.LastIndexByte(path, '/')
		if slices.Contains(indexes, strings.ToLower(path[slash+1:])) {
			path = path[:slash+1]
		}
	}
	if id.has(SameSlash) && len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	return path
}

func (id Identity) query(query string) string {
	params := strings.Split(query, "&")
	params = slices.DeleteFunc(params, func(p string) bool {
		return id.has(SameTracking) && named(p, trackers) || id.has(SameSession) && named(p, sessions)
	})
	if id.has(SameOrder) {
		slices.Sort(params)
	}
	return strings.Join(params, "&")
}

// named reports whether a parameter has one of the names. In ASP, the name of a session has
// a suffix.
func named(param string, names []string) bool {
	name, _, _ := strings.Cut(param, "=")
	name = strings.ToLower(name)
	for _, n := range names {
		switch {
		case name == n:
			return true
		case strings.HasSuffix(n, "_") && strings.HasPrefix(name, n):
			return true
		case n == "aspsessionid" && strings.HasPrefix(name, n):
			return true
		}
	}
	return false
}
