package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/trawlcrawler/trawl/internal/pathblock"
)

// asTest calls do as a test, since only tests have bubbles, and ends the process.
func asTest(do func(t *testing.T) error) {
	testing.Init()
	_ = flag.CommandLine.Parse(nil) // sets the flags of package testing, which the command does not offer
	test := testing.InternalTest{Name: "fresh", F: func(t *testing.T) {
		if err := do(t); err != nil {
			fmt.Fprintln(os.Stderr, "fresh:", err)
			os.Exit(1)
		}
	}}
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{test}, nil, nil)
}

// bubble calls do in a bubble of [testing/synctest], whose clock moves only when all goroutines
// wait.
func bubble(t *testing.T, do func() error) (err error) {
	prepare()
	synctest.Test(t, func(*testing.T) { err = do() })
	return err
}

// prepare initializes the state that all bubbles share, outside of them.
var prepare = sync.OnceFunc(func() {
	// The first use makes a channel, which would otherwise belong to the first bubble.
	pathblock.Pack([]string{"/"})
	debug.SetGCPercent(2000) // each script makes much garbage, and little is in use
})
