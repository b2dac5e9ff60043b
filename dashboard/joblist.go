package dashboard

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// tab selects jobs by their state.
type tab struct {
	ID, Text, URL string
	Count         string
	Current       bool
}

// column is a column by which jobs can be sorted, if it has a URL.
type column struct {
	Key, Text, URL string
	Numeric        bool
	Sorted, Arrow  string // "ascending" or "descending", and its sign; "" unless sorted by it
}

// sortedBy shows how the list is sorted if it is sorted by this column. It reports whether a click
// on the heading sorts the largest first; for a column that the list is not sorted by, that is
// first.
func (c *column) sortedBy(key string, reverse, first bool) bool {
	switch {
	case key != c.Key:
		return first
	case reverse:
		c.Sorted, c.Arrow = "descending", "↓"
	default:
		c.Sorted, c.Arrow = "ascending", "↑"
	}
	return !reverse
}

// stateGroups are the groups of jobs that the list can be limited to.
var stateGroups = []string{"running", "paused", "periodic", "ended"}

// inGroup reports whether a job belongs to a group; "" is all.
func (sh sheet) inGroup(group string) bool {
	switch group {
	case "running":
		return sh.State == crawler.StateRunning && sh.Periodic == nil
	case "paused":
		return sh.State == crawler.StatePaused
	case "periodic":
		return sh.Periodic != nil
	case "ended":
		return ended(sh.State)
	}
	return true
}

func count(sheets []sheet, group string) (n int) {
	for _, sh := range sheets {
		if sh.inGroup(group) {
			n++
		}
	}
	return n
}

// listing says which jobs the page lists, and in which order.
type listing struct {
	search  string // a part of the name
	state   string // one of stateGroups; "" for all
	sort    string // the key of a column; "" for the most urgent first
	reverse bool
}

func readList(query url.Values) (l listing, err error) {
	l.search, l.state = strings.TrimSpace(query.Get("q")), query.Get("state")
	l.sort, l.reverse = strings.CutPrefix(query.Get("sort"), "-")
	if l.state != "" && !slices.Contains(stateGroups, l.state) {
		return l, badRequest("parameter state: %q is not a group of jobs: want %s", l.state, strings.Join(stateGroups, ", "))
	}
	if l.sort != "" && sorts[l.sort] == nil {
		return l, badRequest("parameter sort: %q is not a column by which jobs are sorted", l.sort)
	}
	return l, nil
}

// url returns the path of the page with this list.
func (l listing) url() string {
	query := make(url.Values)
	for name, value := range map[string]string{"q": l.search, "state": l.state, "sort": l.order()} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}

func (l listing) order() string {
	if l.reverse {
		return "-" + l.sort
	}
	return l.sort
}

func (l listing) keep() (list []ui.Link) {
	for _, p := range []ui.Link{{Text: "state", URL: l.state}, {Text: "sort", URL: l.order()}} {
		if p.URL != "" {
			list = append(list, p)
		}
	}
	return list
}

func (l listing) tabs(sheets []sheet) []tab {
	var list []tab
	for _, group := range append([]string{""}, stateGroups...) {
		to := l
		to.state = group
		id := cmp.Or(group, "all")
		list = append(list, tab{ID: id, Text: strings.ToUpper(id[:1]) + id[1:], URL: to.url(),
			Count: ui.Number(int64(count(sheets, group))), Current: l.state == group})
	}
	return list
}

func (l listing) columns() []column {
	list := []column{{Key: "name", Text: "Job"}, {Key: "state", Text: "State"},
		{Key: "waiting", Text: "Waiting", Numeric: true},
		{Key: "fetched", Text: "Fetched", Numeric: true}, {Key: "failed", Text: "Failed", Numeric: true},
		{Key: "rate", Text: "Pages/s", Numeric: true}, {Key: "left", Text: "Time left", Numeric: true}}
	for i := range list {
		c := &list[i]
		if sorts[c.Key] == nil {
			continue
		}
		to := l
		to.sort, to.reverse = c.Key, c.sortedBy(l.sort, l.reverse, c.Numeric)
		c.URL = to.url()
	}
	return list
}

// rows returns the jobs of the list, and how many more there are.
func (l listing) rows(sheets []sheet, now time.Time) (rows []jobRow, more string) {
	sheets = slices.DeleteFunc(slices.Clone(sheets), func(sh sheet) bool {
		return !sh.inGroup(l.state) || !strings.Contains(sh.Name, strings.ToLower(l.search))
	})
	byUrgency(sheets)
	for _, sh := range sheets {
		rows = append(rows, newJobRow(sh, now))
	}
	if l.sort != "" {
		slices.SortStableFunc(rows, func(a, b jobRow) int {
			if l.reverse {
				a, b = b, a
			}
			return sorts[l.sort](a, b)
		})
	}
	if n := len(rows) - shownJobs; n > 0 {
		return rows[:shownJobs], fmt.Sprintf("%s more jobs are not shown: search by name, or ask the API.", ui.Number(int64(n)))
	}
	return rows, ""
}

// byUrgency sorts jobs: those that run first, then those that are paused, created or broken,
// then those that ended, the most recent first.
func byUrgency(sheets []sheet) {
	rank := map[crawler.State]int{crawler.StateRunning: 0, crawler.StatePaused: 1, crawler.StateBroken: 2,
		crawler.StateCreated: 3}
	rankOf := func(sh sheet) int {
		if r, ok := rank[sh.State]; ok {
			return r
		}
		return len(rank)
	}
	slices.SortStableFunc(sheets, func(a, b sheet) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), b.Ended.Compare(a.Ended), cmp.Compare(a.Name, b.Name))
	})
}
