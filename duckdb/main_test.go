package duckdb

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the folder of the command.
var built string

func TestMain(m *testing.M) {
	var err error
	if built, err = os.MkdirTemp("", "trawl-duckdb-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(built)
	os.Exit(status)
}

// build builds the command as make build does, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(built, "trawl")
	cmd := exec.Command("go", "build", "-trimpath", "-tags=timetzdata", "-o", binary, "./cmd/trawl")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, said)
	}
	return binary, nil
})

// trawl returns the path of the command.
func trawl(t *testing.T) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
