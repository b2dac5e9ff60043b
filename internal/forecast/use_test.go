package forecast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// member is a worker with ten places that has measured ten seconds.
func member(spent map[string]activity.Spent, serves ...string) waiting.Member {
	return waiting.Member{Places: 10, Serving: serves, Spent: spent, Within: 10 * time.Second}
}

func TestPlacesAreUsedForWhatTheirVisitsDo(t *testing.T) {
	t.Parallel()
	const s = time.Second
	news := activity.Spent{activity.Politeness: 40 * s, activity.Server: 10 * s}
	for _, c := range []struct {
		name     string
		members  []waiting.Member
		counters crawler.Counters
		want     string
	}{
		{"no worker has reported", []waiting.Member{{Places: 10, Serving: []string{"news"}}}, crawler.Counters{}, ""},
		{"no worker serves it", []waiting.Member{member(map[string]activity.Spent{"news": news})}, crawler.Counters{}, ""},
		{"hosts rest", []waiting.Member{member(map[string]activity.Spent{"news": news}, "news")},
			crawler.Counters{Waiting: 5}, "hosts that rest 50 %, politeness 40 %, slow servers 10 %"},
		{"nothing waits", []waiting.Member{member(nil, "news")}, crawler.Counters{}, "no work 100 %"},
		{"hosts are due", []waiting.Member{member(nil, "news")}, crawler.Counters{Ready: 1, Waiting: 1}, "free places 100 %"},
		{"others use its workers", []waiting.Member{
			member(map[string]activity.Spent{"news": news, "shop": {activity.Redis: 50 * s}}, "news", "shop"),
			member(map[string]activity.Spent{"news": news}, "news")}, crawler.Counters{},
			"politeness 40 %, other jobs 25 %, no work 25 %, slow servers 10 %"},
		{"visits end later than their places", []waiting.Member{
			member(map[string]activity.Spent{"news": {activity.Output: 120 * s}}, "news")}, crawler.Counters{}, "output 100 %"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, share := range UseOf("news", c.members, c.counters).Shares {
				got = append(got, fmt.Sprintf("%s %.0f %%", share.Name, 100*share.Of))
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheAdviceFollowsFromTheLargestShare(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 16, 0, 0, 0, time.UTC)
	host := func(name crawler.Host, waits int64, interval time.Duration) crawler.HostStatus {
		return crawler.HostStatus{Host: name, Waiting: waits, Interval: interval}
	}
	three := []crawler.HostStatus{host("d.test", 80, time.Second), host("a.test", 2400, time.Second),
		host("b.test", 500, 2*time.Second), host("c.test", 200, time.Second)}
	for _, c := range []struct {
		largest string
		of      float64
		waits   int64
		ready   int64
		hosts   []crawler.HostStatus
		want    string
	}{
		{"politeness", 0.9, 3180, 0, three[1:2], "will not help: a.test holds 75 % of the waiting URLs; at one request every 1s it ends at 16:40"},
		{"hosts that rest", 0.9, 3500, 0, three, "3 hosts hold 89 % of the waiting URLs; at one request every 2s they end at 16:40 at the earliest."},
		{"politeness", 0.9, 3100 * 3, 0, three, "Politeness limits this job"},
		{"politeness", 0.9, 200_000, 0, []crawler.HostStatus{host("a.test", 200_000, time.Second)}, "on 3 May at 23:33"},
		{"politeness", 0.9, 100, 0, []crawler.HostStatus{host("a.test", 100, 0)}, "a.test holds 100 % of the waiting URLs."},
		{"slow servers", 0.5, 100, 3, nil, "start more workers"},
		{"slow servers", 0.5, 100, 0, nil, "will not help"},
		{"Redis", 0.5, 100, 0, nil, "Redis limits"},
		{"Redis", 0.3, 100, 0, nil, ""},
		{"no work", 1, 0, 0, nil, ""},
	} {
		u := Use{Shares: []Share{{c.largest, c.of}}}
		got := u.Advise(crawler.Counters{Waiting: c.waits, Ready: c.ready}, c.hosts, now)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %.1f: %q, want %q", c.largest, c.of, got, c.want)
		}
	}
	if got := (Use{}).Advise(crawler.Counters{}, nil, now); got != "" {
		t.Errorf("without shares: %q", got)
	}
}
