package warc

import (
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// surt returns the key of a URL in an index: the labels of its host in reverse order,
// without www, then a parenthesis, path and query, all in lower case. Parameters are
// sorted and a final slash is dropped, as in the keys of the Internet Archive
// ("Sort-friendly URI Reordering Transform").
func surt(u crawler.URL) string {
	path, query, _ := strings.Cut(strings.ToLower(u.Path()), "?")
	if path = strings.TrimRight(path, "/"); path == "" {
		path = "/"
	}
	if query != "" {
		parameters := strings.Split(query, "&")
		slices.Sort(parameters)
		path += "?" + strings.Join(parameters, "&")
	}
	return surtHost(u.Host()) + ")" + path
}

// surtHost reverses the labels of a name. An IP address stays as it is.
func surtHost(h crawler.Host) string {
	name, port := strings.TrimSuffix(h.Name(), "."), h.Port()
	if _, address := h.Address(); !address {
		labels := strings.Split(withoutWWW(name), ".")
		slices.Reverse(labels)
		name = strings.Join(labels, ",")
	}
	if port != "" {
		name += ":" + port
	}
	return name
}

// withoutWWW drops a first label of "www" with or without a number.
func withoutWWW(name string) string {
	first, rest, ok := strings.Cut(name, ".")
	if digits, www := strings.CutPrefix(first, "www"); ok && www && strings.Trim(digits, "0123456789") == "" {
		return rest
	}
	return name
}
