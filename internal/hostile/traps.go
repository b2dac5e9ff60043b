package hostile

import (
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
)

var traps = []Misbehaviour{
	{
		Name: "calendar", Does: "has a next month for each month", Trawl: "leaves the pattern alone after a hundred pages that say nothing new", Limit: limitTraps, Fate: fetched,
		page: markupOf(`<a href="/month/1">next</a>`),
		rig:  trap("/month/", func(n int, _ string) []string { return []string{fmt.Sprintf("/month/%d", n+1)} }, 150),
	}, {
		Name: "deeper", Does: "has a folder in each folder of the same name", Trawl: "does not follow paths that repeat themselves", Limit: limitRepeats, Fate: fetched,
		page: markupOf(`<a href="/deeper/d/">on</a>`),
		rig:  trap("/deeper/", func(_ int, path string) []string { return []string{path + "d/"} }, 4),
	}, {
		Name: "sessions", Does: "gives each link a session of its own", Trawl: "sees that the pages are the same", Limit: limitTraps, Fate: fetched,
		page: markupOf(`<a href="/session/9f86d081884c7d65">on</a>`),
		rig: trap("/session/", func(_ int, path string) []string {
			return []string{"/session/" + drawn(path+"1"), "/session/" + drawn(path+"2")}
		}, 250),
	}, {
		Name: "parameters", Does: "adds a parameter with each link", Trawl: "does not follow URLs with so many", Limit: limitParams, Fate: fetched,
		page: markupOf(`<a href="/parameters/?a0=0">on</a>`),
		rig: trap("/parameters/", func(_ int, path string) []string {
			return []string{fmt.Sprintf("%s&a%d=%d", path, strings.Count(path, "="), strings.Count(path, "="))}
		}, 33),
	}, {
		Name: "long-urls", Does: "makes each URL a kilobyte longer", Trawl: "does not follow URLs that are so long", Limit: limitURL, Fate: fetched,
		page: markupOf(`<a href="/long/x">on</a>`),
		rig:  trap("/long/", func(_ int, path string) []string { return []string{path + strings.Repeat("x", 1000)} }, 3),
	},
}

// trap serves pages that say the same, beneath a path, each of which links to
// others, and expects no more requests than so many.
func trap(path string, links func(n int, path string) []string, most int) func(*Host) {
	return func(h *Host) {
		h.pages[path] = func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, path))
			body := "<title>The same</title><p>the same as ever\n"
			for _, href := range links(n, r.RequestURI) {
				body += fmt.Sprintf("<a href=%q>on</a>\n", href)
			}
			markupOf(body)(w, r)
		}
		h.expect(h.of, h.URL(path), Fate{Most: most})
	}
}

// drawn is a session as a machine draws it, the same each time for a text.
func drawn(text string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text))
	return fmt.Sprintf("%016x", sum.Sum64())
}
