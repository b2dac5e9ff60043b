package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// hostListing says which hosts a page lists, and in which order.
type hostListing struct {
	job     string
	search  string // a part of the name
	sort    string // the key of a column; "" for the most waiting URLs first
	reverse bool
}

// hostSorts compare hosts by the columns of the list.
var hostSorts = map[string]func(a, b crawler.HostStatus) int{
	"host":     func(a, b crawler.HostStatus) int { return cmp.Compare(a.Host, b.Host) },
	"waiting":  func(a, b crawler.HostStatus) int { return cmp.Compare(a.Waiting, b.Waiting) },
	"fetched":  func(a, b crawler.HostStatus) int { return cmp.Compare(a.Pages, b.Pages) },
	"rate":     func(a, b crawler.HostStatus) int { return cmp.Compare(requestRate(a), requestRate(b)) },
	"p50":      func(a, b crawler.HostStatus) int { return cmp.Compare(a.P50, b.P50) },
	"p95":      func(a, b crawler.HostStatus) int { return cmp.Compare(a.P95, b.P95) },
	"failures": func(a, b crawler.HostStatus) int { return cmp.Compare(a.ConsecutiveFailures, b.ConsecutiveFailures) },
	"next":     func(a, b crawler.HostStatus) int { return cmp.Compare(nextRequest(a), nextRequest(b)) },
}

// requestRate returns how many requests a host gets in a second while it is visited; 0 if
// that is unknown.
func requestRate(h crawler.HostStatus) float64 {
	if h.Interval <= 0 {
		return 0
	}
	return 1 / h.Interval.Seconds()
}

// nextRequest returns the milliseconds until a host is due: 0 while it is visited, and the largest
// number for a host where no visit is due.
func nextRequest(h crawler.HostStatus) int64 {
	if h.State == queue.HostIdle || h.Rules.Paused || h.GivenUp {
		return int64(^uint64(0) >> 1)
	}
	return h.Due.Milliseconds()
}

func readHostList(job string, query url.Values) (l hostListing, err error) {
	l.job, l.search = job, strings.TrimSpace(query.Get("q"))
	l.sort, l.reverse = strings.CutPrefix(query.Get("sort"), "-")
	if l.sort != "" && hostSorts[l.sort] == nil {
		return l, badRequest("parameter sort: %q is not a column by which hosts are sorted", l.sort)
	}
	return l, nil
}

// order returns the value of the parameter sort.
func (l hostListing) order() string {
	if l.reverse {
		return "-" + l.sort
	}
	return l.sort
}

// url returns the path of the page with this list.
func (l hostListing) url() string {
	query := make(url.Values)
	for name, value := range map[string]string{"q": l.search, "sort": l.order()} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return jobURL(l.job) + "/hosts"
	}
	return jobURL(l.job) + "/hosts?" + query.Encode()
}

func (l hostListing) columns() []column {
	list := []column{{Key: "host", Text: "Host"}, {Text: "State"}, {Key: "waiting", Text: "Waiting", Numeric: true},
		{Key: "fetched", Text: "Fetched", Numeric: true}, {Key: "rate", Text: "Interval", Numeric: true},
		{Key: "p50", Text: "p50", Numeric: true}, {Key: "p95", Text: "p95", Numeric: true},
		{Key: "failures", Text: "Failures", Numeric: true}, {Key: "next", Text: "Next request", Numeric: true}}
	now := l
	if now.sort == "" {
		now.sort, now.reverse = "waiting", true
	}
	for i := range list {
		c := &list[i]
		if hostSorts[c.Key] == nil {
			continue
		}
		to := l
		to.sort, to.reverse = c.Key, c.sortedBy(now.sort, now.reverse, c.Numeric && c.Key != "next")
		c.URL = to.url()
	}
	return list
}

// pick returns the hosts of the list, at most most. hosts begin with the most waiting URLs.
func (l hostListing) pick(hosts []crawler.HostStatus, most int) []crawler.HostStatus {
	picked := slices.DeleteFunc(slices.Clone(hosts), func(h crawler.HostStatus) bool {
		return !strings.Contains(string(h.Host), strings.ToLower(l.search))
	})
	if l.sort != "" {
		slices.SortStableFunc(picked, func(a, b crawler.HostStatus) int {
			if l.reverse {
				a, b = b, a
			}
			return hostSorts[l.sort](a, b)
		})
	}
	return picked[:min(len(picked), most)]
}
