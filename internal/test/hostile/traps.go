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
		Name: "calendar", Does: "links each month to the next",
		Trawl: "skips the pattern after a hundred pages without new content", Limit: limitTraps, Fate: fetched,
		page:  htmlPage(`<a href="/month/1">next</a>`),
		setup: trap("/month/", func(n int, _ string) []string { return []string{fmt.Sprintf("/month/%d", n+1)} }, 150),
	}, {
		Name: "deeper", Does: "has, in each folder, another one with the same name",
		Trawl: "does not follow paths with repeated segments", Limit: limitRepeats, Fate: fetched,
		page:  htmlPage(`<a href="/deeper/d/">on</a>`),
		setup: trap("/deeper/", func(_ int, path string) []string { return []string{path + "d/"} }, 4),
	}, {
		Name: "sessions", Does: "gives each link its own session ID", Trawl: "detects that the pages are the same",
		Limit: limitTraps, Fate: fetched,
		page: htmlPage(`<a href="/session/9f86d081884c7d65">on</a>`),
		setup: trap("/session/", func(_ int, path string) []string {
			return []string{"/session/" + sessionID(path+"1"), "/session/" + sessionID(path+"2")}
		}, 250),
	}, {
		Name: "tokens", Does: "has one unique word among three hundred on each page",
		Trawl: "detects that the pages are nearly the same", Limit: limitTraps, Fate: fetched,
		page: htmlPage(`<a href="/token/1">on</a>`),
		setup: func(h *Host) {
			h.pages["/token/"] = func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/token/"))
				token := strings.Map(func(c rune) rune { return 'g' + c%16 }, sessionID(r.URL.Path))
				htmlPage(fmt.Sprintf("<title>The same</title><p>%s</p><p>Your ticket is %s.</p><p>Page %d, made in 0.%s seconds</p><a href=/token/%d>on</a>",
					strings.Repeat("The office keeps a book of all that comes and goes, and whoever asks may read in it. ", 18), token, n, fmt.Sprintf("%03d", n*37%1000), n+1))(w, r)
			}
			h.expect(h.current, h.URL("/token/"), Fate{MaxRequests: 200})
		},
	}, {
		Name: "parameters", Does: "adds a parameter with each link", Trawl: "does not follow URLs with too many",
		Limit: limitParams, Fate: fetched,
		page: htmlPage(`<a href="/parameters/?a0=0">on</a>`),
		setup: trap("/parameters/", func(_ int, path string) []string {
			return []string{fmt.Sprintf("%s&a%d=%d", path, strings.Count(path, "="), strings.Count(path, "="))}
		}, 33),
	}, {
		Name: "long-urls", Does: "makes each URL a kilobyte longer", Trawl: "does not follow URLs that are too long",
		Limit: limitURL, Fate: fetched,
		page: htmlPage(`<a href="/long/x">on</a>`),
		setup: trap("/long/", func(_ int, path string) []string { return []string{path + strings.Repeat("x", 1000)} },
			3),
	},
}

// trap serves pages with the same content below a path. Each links to others. It expects at most
// most requests.
func trap(path string, links func(n int, path string) []string, most int) func(*Host) {
	return func(h *Host) {
		h.pages[path] = func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, path))
			body := "<title>The same</title><p>the same as ever\n"
			for _, href := range links(n, r.RequestURI) {
				body += fmt.Sprintf("<a href=%q>on</a>\n", href)
			}
			htmlPage(body)(w, r)
		}
		h.expect(h.current, h.URL(path), Fate{MaxRequests: most})
	}
}

// sessionID returns a session ID that looks random and depends only on text.
func sessionID(text string) string {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text))
	return fmt.Sprintf("%016x", sum.Sum64())
}
