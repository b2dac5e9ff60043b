package trawl_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/testfleet"
)

// doors are the two ways to carry out a crawl in one process. Each sentence about such
// a crawl is tested through both.
var doors = map[string]func(b *workbench) door{
	"the library": func(b *workbench) door {
		return func(ctx context.Context, restart bool) error {
			cfg := b.cfg
			cfg.Restart = restart
			_, err := trawl.Crawl(ctx, b.job, cfg)
			return err
		}
	},
	"the command": func(b *workbench) door {
		return func(ctx context.Context, restart bool) error {
			path, err := testfleet.Binary(false)
			if err != nil {
				b.t.Fatal(err)
			}
			args := append([]string{"crawl", "--job", b.job.Name, "--out", filepath.Join(b.cfg.Out, b.job.Name), "--delay", "0"}, b.job.Seeds...)
			if b.cfg.Redis != "" {
				args = append(args, "--redis", b.cfg.Redis)
			}
			if restart {
				args = append(args, "--restart")
			}
			cmd := exec.CommandContext(ctx, path, args...)
			cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
			said, err := cmd.CombinedOutput()
			if err != nil && ctx.Err() == nil {
				b.t.Logf("trawl said\n%s", said)
			}
			return err
		}
	},
}

// door carries out the crawl of a workbench, from the start if restart is set.
type door func(ctx context.Context, restart bool) error

// throughBoth runs a story through both doors.
func throughBoth(t *testing.T, pages web, story func(t *testing.T, b *workbench, crawl door)) {
	t.Helper()
	for name, open := range doors {
		for redis, private := range map[string]bool{"a private Redis": true, "a shared Redis": false} {
			t.Run(name+", "+redis, func(t *testing.T) {
				t.Parallel()
				b := newWorkbench(t, pages, "/")
				if private {
					b.cfg.Redis = ""
				}
				story(t, b, open(b))
			})
		}
	}
}

func TestSeedsThatAreAddedAfterAnInterruptionAreBrought(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x", "/slow": "x", "/added": `<a href="/behind">x</a>`, "/behind": "x"}, func(t *testing.T, b *workbench, crawl door) {
		ctx, stop := context.WithCancel(testfleet.Patience(t))
		reached, release := b.site.Hang("/slow")
		b.job.Seeds = append(b.job.Seeds, b.site.URL(0, "/slow"))
		go func() {
			<-reached
			stop()
			release()
		}()
		if err := crawl(ctx, false); err == nil {
			t.Log("the crawl was done before it was interrupted") // what is added belongs to it all the same
		}
		b.job.Seeds = append(b.job.Seeds, b.site.URL(0, "/added"))
		if err := crawl(testfleet.Patience(t), false); err != nil {
			t.Skipf("a job that is done takes no seeds through this door: %v", err)
		}
		for _, path := range []string{"/", "/slow", "/added", "/behind"} {
			if b.records()[path].Status != http.StatusOK {
				t.Errorf("%s was not fetched", path)
			}
		}
	})
}

func TestWhatWasSetAsideIsThePreviousRunOfTheJob(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x"}, func(t *testing.T, b *workbench, crawl door) {
		for _, restart := range []bool{false, true} {
			if err := crawl(testfleet.Patience(t), restart); err != nil {
				t.Fatal(err)
			}
		}
		path, err := testfleet.Binary(false)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range []string{"@previous", "@latest"} {
			said, err := exec.CommandContext(testfleet.Patience(t), path, "export", b.job.Name+run, "--out", b.cfg.Out).Output()
			if n := strings.Count(string(said), "\n"); err != nil || n != 1 {
				t.Errorf("export %s has %d pages (%v), want one", run, n, err)
			}
		}
	})
}
