package fleet

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
)

func TestSpilledURLsGoBeneathTheResultsByDefault(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	to := func(where string) *Outlet { return &Outlet{cfg: OutletConfig{Where: where}} }
	for _, c := range []struct {
		situation string
		out       *Outlet
		given     SpillConfig
		want      string
	}{
		{"a folder without a budget", to("/out"), SpillConfig{}, ""},
		{"a folder with a budget", to("/out"), SpillConfig{Budget: 1}, "/out/.spill"},
		{"a relative folder", to("out"), SpillConfig{Budget: 1}, filepath.Join(here, "out/.spill")},
		{"a bucket", to("s3://b/p?region=x"), SpillConfig{}, "s3://b/p/.spill?region=x"},
		{"memory", to("mem://"), SpillConfig{Budget: 1}, ""},
		{"a sink", OutletTo(sink.All()), SpillConfig{Budget: 1}, ""},
		{"another place", to("s3://b/p"), SpillConfig{Where: "/spill"}, "/spill"},
		{"another place that is relative", to("/out"), SpillConfig{Where: "spill"}, filepath.Join(here, "spill")},
	} {
		if got := c.given.withDefaults(c.out).Where; got != c.want {
			t.Errorf("%s: spilled URLs go to %q, want %q", c.situation, got, c.want)
		}
	}
}

func TestAPlaceForSpilledURLsIsMade(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := CheckSpill(t.Context(), dir, "--spill"); err != nil {
		t.Error(err)
	}
	if err := CheckSpill(t.Context(), "", "--spill"); err != nil {
		t.Error(err)
	}
	if err := CheckSpill(t.Context(), "mem://", "--spill"); err == nil || !strings.Contains(err.Error(), `"mem://"`) {
		t.Errorf("%v; want that it is gone with the process", err)
	}
}

// A folder that is used as a bucket has no folder for spilled URLs at first.
func TestTheDefaultPlaceForSpilledURLsNeedsNoFolder(t *testing.T) {
	t.Parallel()
	where := output.Join("file://"+t.TempDir(), hiddenSpill)
	place, err := openSpillPlace(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := place.Names(t.Context()); err != nil || len(names) != 0 {
		t.Errorf("at first, it has %v, %v", names, err)
	}
	if err := place.Put(t.Context(), "some", strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	direct, err := output.Open(t.Context(), where) // as clients open it
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if got, err := direct.ReadPart(t.Context(), "some", 1, 2); err != nil || string(got) != "ex" {
		t.Errorf("read %q, %v", got, err)
	}
}
