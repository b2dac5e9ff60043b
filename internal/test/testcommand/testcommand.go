// Package testcommand builds the trawl command for tests that start it as a process. A complete
// test run builds it once ([Build]) and passes its location in the environment ([Dir]); a test
// binary that runs by itself builds its own.
package testcommand

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// Environment variables of a complete test run: the folder of the built commands, and a digest of
// them ([DigestOf]).
const (
	Dir    = "TRAWL_TEST_COMMANDS"
	Digest = "TRAWL_TEST_DIGEST"
)

// Built returns the folder of the commands that were built for all packages, or "" if a test has to
// build its own.
//
// go test runs a test again if a variable that it has read with package os has changed. The folder
// has another name in each run, so its variable is read without package os, and the digest, on
// which the results depend, with it.
func Built() string {
	_ = os.Getenv(Digest)
	dir, _ := syscall.Getenv(Dir)
	return dir
}

// DigestOf returns a digest of the commands in a folder.
func DigestOf(dir string) (string, error) {
	sum := sha256.New()
	for _, race := range []bool{false, true} {
		binary, err := os.Open(Path(dir, race))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "race %v: ", race)
		_, err = io.Copy(sum, binary)
		if err = errors.Join(err, binary.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Raced are the flags of a build with the race detector. Without debugging information, all
// packages compile in five sixths of the time; nobody debugs these binaries. The Redis client has
// hundreds of methods on each of a dozen types, and asynq embeds them: without inlining, they
// compile in half of the time, and run as fast as a client that waits for its server needs.
var Raced = []string{
	"-race",
	"-gcflags=all=-dwarf=false",
	"-gcflags=github.com/redis/go-redis/v9=-dwarf=false -l",
	"-gcflags=github.com/hibiken/asynq/...=-dwarf=false -l",
}

// Path returns the path of the command in a folder, with the race detector or without.
func Path(dir string, race bool) string {
	if race {
		return filepath.Join(dir, "trawl-race")
	}
	return filepath.Join(dir, "trawl")
}

// Build builds the command into a folder, at its Path. The binary has no debugging information,
// which saves a third of the link time; panics still show their lines. It does not name the commit,
// so that it is the same for the same code.
func Build(dir string, race bool) error {
	args := []string{"build", "-buildvcs=false", "-ldflags=-w", "-o", Path(dir, race),
		"github.com/trawlcrawler/trawl/cmd/trawl"}
	cmd := Go(args...)
	if race {
		cmd = exec.Command("go", slices.Insert(args, 1, Raced...)...)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the command: %w\n%s", err, said)
	}
	return nil
}

// Go returns a go command that builds as the Makefile and the Dockerfile do. Compiling all packages
// takes minutes, so all builds without the race detector share one set of flags.
func Go(args ...string) *exec.Cmd {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS="+os.Getenv("GOFLAGS")+" -trimpath -tags=timetzdata")
	return cmd
}
