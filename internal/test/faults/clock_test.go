package faults_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// A worker whose clock is ten minutes wrong runs next to one whose clock is right: leases, delays
// and deadlines use Redis's clock, and the monotonic clock within a process.
func TestAWorkersClockMayBeTenMinutesOff(t *testing.T) {
	t.Parallel()
	if !chaos {
		t.Skip("this builds the command with another standard library, which takes minutes: run make chaos")
	}
	wrong := buildWithWrongClock(t)
	for _, clock := range []string{"ahead", "behind"} {
		t.Run(clock, func(t *testing.T) {
			t.Parallel()
			c := newCrawl(t, 20, 300)
			processes := append(c.Workers(1, "--concurrency", "5"), c.Scheduler())
			c.Command, c.Env = wrong, []string{"WRONG_CLOCK=" + clock}
			odd := c.Worker("--concurrency", "5")
			c.begin()
			c.wantComplete(0)
			c.wantRunning(append(processes, odd))
			pages := 0
			for _, r := range c.Export(c.job.Name) {
				if r.Worker != odd.Name {
					continue
				}
				pages++
				at, err := time.Parse(time.RFC3339, r.FetchedAt)
				if off := time.Since(at).Abs(); err != nil || clock == "ahead" && time.Until(at) < 0 ||
					clock == "behind" && off < 9*time.Minute {
					t.Fatalf("the worker's clock is right: it fetched a page at %s", r.FetchedAt)
				}
			}
			if pages == 0 {
				t.Error("the worker whose clock is wrong has fetched nothing")
			}
			t.Logf("%d of %d pages were fetched by the worker whose clock is %s", pages,
				c.graph.Hosts*c.graph.PagesPerHost, clock)
		})
	}
}

// buildWithWrongClock builds the command with a time.Now that is ten minutes wrong, ahead or behind
// as WRONG_CLOCK says. Go asks the kernel directly, so nothing outside the process can change the
// clock of a single process. The monotonic clock is unchanged.
func buildWithWrongClock(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, original := t.TempDir(), filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		t.Skipf("the source of package time was not found: %v", err)
	}
	const call = "\tsec, nsec, mono := runtimeNow()\n"
	head, now, found := strings.Cut(string(text), "\nfunc Now() Time {\n"+call)
	if !found {
		t.Skip("time.Now of this version of Go differs from Go 1.26")
	}
	patched := head + "\nfunc Now() Time {\n" + call + "\tsec += wrong\n" + now + `
var wrong = func() int64 {
	switch clock, _ := syscall.Getenv("WRONG_CLOCK"); clock {
	case "ahead":
		return 600
	case "behind":
		return -600
	}
	return 0
}()
`
	patched = strings.Replace(patched, "import (\n", "import (\n\t\"syscall\"\n", 1)
	source, overlay, binary := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"),
		filepath.Join(dir, "trawl")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{original: source}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{source: []byte(patched), overlay: list} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(testfleet.Patience(t), "go", "build", "-overlay", overlay, "-o", binary,
		"github.com/trawlcrawler/trawl/cmd/trawl")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command with a wrong clock: %v\n%s", err, output)
	}
	return binary
}
