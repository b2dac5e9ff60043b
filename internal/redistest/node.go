package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/redisd"
)

// Node is a real Redis that listens on a TCP port of the loopback interface,
// beside its socket.
type Node struct {
	*redisd.Server
	TCP string // "127.0.0.1:PORT"

	cfg redisd.Config // as it was started
}

// Own starts a real Redis that is the test's own and ends with it. The test is
// skipped where no server is on PATH, as with [New]. args are further arguments
// of the server, such as "--maxmemory", "1gb"; those that ask for a password
// must be set after the start.
func Own(t testing.TB, args ...string) *Node {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	return own(t, redisd.Config{Args: args})
}

// Durable starts a real Redis as [Own] does, that keeps what is written in an
// append-only file: it survives a kill, and [Node.Restart] finds it.
func Durable(t testing.TB, args ...string) *Node {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	return own(t, redisd.Config{Args: args, Persist: true})
}

// Restart starts a server again that has ended, at its port and with what it
// had written. It must not be called while others use the node.
func (n *Node) Restart(ctx context.Context) error {
	server, err := redisd.Start(ctx, n.cfg)
	if err != nil {
		return fmt.Errorf("start Redis again at %s: %w", n.TCP, err)
	}
	n.Server = server
	return nil
}

// own starts a node in a folder that ends with the test. It is killed in the
// end, because one that asks for a password could not be asked to stop.
func own(t testing.TB, cfg redisd.Config) *Node {
	t.Helper()
	cfg.Dir = t.TempDir()
	n, err := startNode(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Kill() }) // whichever server it has then
	return n
}

// startNode starts a server on a port that is free. Between the choice of the
// port and the start another process may take it: then another is tried.
func startNode(ctx context.Context, cfg redisd.Config) (*Node, error) {
	for {
		port, bus, err := freePorts()
		if err != nil {
			return nil, err
		}
		started := cfg
		started.Args = []string{"--bind", "127.0.0.1", "--port", port}
		fill := strings.NewReplacer(Port, port, busPort, bus)
		for _, arg := range cfg.Args {
			started.Args = append(started.Args, fill.Replace(arg))
		}
		server, err := redisd.Start(ctx, started)
		if err == nil {
			return &Node{server, "127.0.0.1:" + port, started}, nil
		}
		if !strings.Contains(err.Error(), "Address already in use") {
			return nil, err
		}
	}
}

// What stands in arguments for ports that are free.
const (
	Port    = "$PORT" // that of [Node.TCP]
	busPort = "$BUS"  // another
)

// freePorts returns two TCP ports that are free.
func freePorts() (one, two string, err error) {
	var ports []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports[0], ports[1], nil
}

// lodge starts a node for all tests of this binary, in a folder of earlier runs
// that is free, lest they pile up. Like [New]'s it ends with the process.
func lodge(name string, cfg redisd.Config) (*Node, error) {
	binary := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("trawl-redistest-%d", os.Getuid()), binary, name)
	for run := 0; ; run++ {
		cfg.Dir = filepath.Join(dir, strconv.Itoa(run))
		n, err := startNode(context.Background(), cfg)
		if !errors.Is(err, redisd.ErrInUse) {
			return n, err
		}
	}
}
