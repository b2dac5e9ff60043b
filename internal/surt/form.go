package surt

import (
	"fmt"
	"slices"
	"strings"
)

// Form is a set of rules for keys.
type Form string

// The forms.
const (
	// PyWB has the keys of pywb, py-wacz, the Internet Archive and Common Crawl: those of
	// the Python library surt with its default settings. It decodes percent-encodings as
	// often as possible, drops session IDs, a final slash and "www", and reverses IP
	// addresses as well.
	PyWB Form = "pywb"
	// WARCIO has the keys of warcio.js, by which ReplayWeb.page and Browsertrix search.
	// It keeps percent-encodings, session IDs and final slashes.
	WARCIO Form = "warcio"
)

// Forms lists the forms, the default first.
var Forms = []Form{PyWB, WARCIO}

// ParseForm returns the form with a name. The form "" is [PyWB].
func ParseForm(name string) (Form, error) {
	if name == "" {
		return PyWB, nil
	}
	for _, f := range Forms {
		if string(f) == name {
			return f, nil
		}
	}
	return "", fmt.Errorf("unknown form of keys %q: want %s or %s", name, PyWB, WARCIO)
}

// Key returns the key of a URL. It never fails: what is not a URL with a host gets a key
// that begins with its scheme, or is its own key. The result contains no spaces and no
// control characters if the form is [PyWB] and the URL has a host.
func (f Form) Key(url string) string {
	if f == WARCIO {
		return keyOfWARCIO(url)
	}
	return Key(url)
}

// keyOfWARCIO follows getSurt in warcio.js, for URLs in the canonical form of browsers.
func keyOfWARCIO(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if ok = ok && (scheme == "http" || scheme == "https"); !ok {
		return url
	}
	rest, _, _ = strings.Cut(strings.ToLower(withoutWWW(rest)), "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host, port := splitPort(authority)
	if port == defaultPort(scheme) {
		port = ""
	}
	if port != "" {
		port = ":" + port
	}
	path, query, _ := strings.Cut(path, "?")
	if path == "" {
		path = "/"
	}
	if query != "" {
		path += "?" + sortedParameters(query)
	}
	return ReverseHost(host) + port + ")" + path
}

// splitPort splits the port from an authority without a login. The brackets of an IPv6
// address stay.
func splitPort(authority string) (host, port string) {
	colon := strings.LastIndexByte(authority, ':')
	if colon < 0 || strings.IndexByte(authority[colon:], ']') >= 0 {
		return authority, ""
	}
	return authority[:colon], authority[colon+1:]
}

// sortedParameters sorts the parameters of a query as texts.
func sortedParameters(query string) string {
	parameters := strings.Split(query, "&")
	slices.Sort(parameters)
	return strings.Join(parameters, "&")
}
