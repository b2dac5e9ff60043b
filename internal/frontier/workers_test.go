package frontier

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/activity"
)

func TestReportsOfOtherVersionsAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]WorkerLoad{
		"8 3 ":    {Places: 8, Taken: 3},
		"8 3 a,b": {Places: 8, Taken: 3, Jobs: []string{"a", "b"}},
		"8 3 a 1000 a:1.2": {Places: 8, Taken: 3, Jobs: []string{"a"}, Within: time.Second,
			Spent: map[string]activity.Spent{}},
		"8 3 a 0 a:0.0.0.0.0.0.": {Places: 8, Taken: 3, Jobs: []string{"a"}},
		"8 3 a 5 a:0.0.0.7.0.0.0.0 more": {Places: 8, Taken: 3, Jobs: []string{"a"}, Within: 5 * time.Millisecond,
			Spent: map[string]activity.Spent{"a": {activity.Server: 7 * time.Millisecond}}},
	} {
		want.Worker = "w"
		got, ok := unpackLoad("w", text)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"", "8", "x y a", "garbage"} {
		if got, ok := unpackLoad("w", text); ok {
			t.Errorf("%q was read as %+v", text, got)
		}
	}
	full := WorkerLoad{Worker: "w", Places: 8, Jobs: []string{"a"}, Memory: 5 << 20, Rate: 12.5}
	if got, ok := unpackLoad("w", full.pack()); !ok || cmp.Diff(full, got) != "" {
		t.Errorf("%+v is reported as %q and read as %+v", full, full.pack(), got)
	}
	idle := WorkerLoad{Places: 8, Spent: map[string]activity.Spent{"a": {}}, Within: time.Second}
	if got := idle.pack(); got != "8 0 " {
		t.Errorf("a worker without jobs reports %q", got)
	}
}
