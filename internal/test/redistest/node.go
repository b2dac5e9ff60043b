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

// Node is a real Redis that listens on a TCP port of the loopback interface in addition
// to its socket.
type Node struct {
	*redisd.Server
	TCP string // "127.0.0.1:PORT"

	cfg redisd.Config // the configuration it was started with
}

// Own starts a real Redis for this test alone, which ends with it. The test is skipped if
// no server is on PATH, as with [New]. args are additional arguments of the server, such
// as "--maxmemory", "1gb". A password can only be set after the start.
func Own(t testing.TB, args ...string) *Node {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	return own(t, redisd.Config{Args: args})
}

// Durable starts a real Redis like [Own], with an append-only file: data survives a kill
// and [Node.Restart].
func Durable(t testing.TB, args ...string) *Node {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		miss(t)
	}
	return own(t, redisd.Config{Args: args, Persist: true})
}

// Restart starts a server that has ended again, at the same port and with the data that
// it had written. It must not be called while others use the node.
func (n *Node) Restart(ctx context.Context) error {
	server, err := redisd.Start(ctx, n.cfg)
	if err != nil {
		return fmt.Errorf("start Redis again at %s: %w", n.TCP, err)
	}
	n.Server = server
	return nil
}

// own starts a node in a temporary folder. At the end of the test the node is killed,
// because a node with a password might not accept a shutdown command.
func own(t testing.TB, cfg redisd.Config) *Node {
	t.Helper()
	cfg.Dir = t.TempDir()
	n, err := startNode(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Kill() }) // the server may have been replaced by then
	return n
}

// startNode starts a server on a free port. If another process takes the port before the
// server does, it tries another one.
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

// Placeholders for free ports in arguments.
const (
	Port    = "$PORT" // the port of [Node.TCP]
	busPort = "$BUS"  // the port of the cluster bus
)

// freePorts returns two free TCP ports.
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

// shareNode starts a node for all tests of this binary. It reuses a free folder of an
// earlier run, so that folders do not accumulate. Like the server of [New], the node ends
// with the process.
func shareNode(name string, cfg redisd.Config) (*Node, error) {
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
