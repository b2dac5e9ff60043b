package simulate

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

const (
	seeds      = 40 // how many seeds run by default, among them each fault; .ci/run runs 300
	racedSeeds = 1  // and with the race detector, which makes a seed ten times as slow
)

var (
	only  = flag.Int64("seed", -1, "replay this seed `N`, and print its whole trace")
	count = flag.Int("seeds", seeds, "how many seeds to run")
	from  = flag.Uint64("from", 0, "the first seed to run")
	days  = flag.Float64("continuous", 0.02, "the `share` of worlds with a continuous job; each takes as long as five others")
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // runs are short and create much garbage
	flag.Parse()
	os.Exit(m.Run())
}
