package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/bench/redisinfo"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// memory is the Redis of a fleet: one server or the masters of a Cluster, which
// keep an append-only file that is put on disk each second.
type memory struct {
	redisconn.Endpoint
	nodes   []*redis.Client
	servers []*redisd.Server
}

// masters is how many a Cluster has.
const masters = 3

// startMemory starts one server, or a Cluster.
func startMemory(ctx context.Context, dir string, cluster bool) (*memory, error) {
	m := new(memory)
	err := m.start(ctx, dir, cluster)
	if err != nil {
		m.stop()
		return nil, err
	}
	return m, nil
}

func (m *memory) start(ctx context.Context, dir string, cluster bool) (err error) {
	if !cluster {
		if err := m.add(ctx, filepath.Join(dir, "redis"), nil); err != nil {
			return err
		}
		m.Endpoint, err = redisconn.ParseEndpoint(m.servers[0].URL())
		return err
	}
	var addrs []string
	for i := range masters {
		port, bus, err := freePorts()
		if err != nil {
			return err
		}
		err = m.add(ctx, filepath.Join(dir, fmt.Sprintf("redis-%d", i+1)), []string{
			"--port", port, "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", bus,
		})
		if err != nil {
			return err
		}
		addrs = append(addrs, "127.0.0.1:"+port)
	}
	args := append([]string{"--cluster", "create"}, append(addrs, "--cluster-yes")...)
	if said, err := exec.CommandContext(ctx, "redis-cli", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("redis-cli %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	for _, n := range m.nodes {
		if err := agrees(ctx, n); err != nil {
			return err
		}
	}
	m.Endpoint, err = redisconn.ParseEndpoint("redis+cluster://" + strings.Join(addrs, ","))
	return err
}

// agrees waits until a node holds that all slots are served.
func agrees(ctx context.Context, n *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		said, err := n.ClusterInfo(ctx).Result()
		if err == nil && redisinfo.Fields(said)["cluster_state"] == "ok" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the Cluster does not come together: %w, %v\n%s", ctx.Err(), err, said)
		}
	}
}

// add starts a server.
func (m *memory) add(ctx context.Context, dir string, args []string) error {
	server, err := redisd.Start(ctx, redisd.Config{Dir: dir, Persist: true, Args: args})
	if err != nil {
		return err
	}
	m.servers = append(m.servers, server)
	_, socket := server.Addr()
	m.nodes = append(m.nodes, redis.NewClient(&redis.Options{Network: "unix", Addr: socket}))
	return nil
}

// clear removes all data.
func (m *memory) clear(ctx context.Context) error {
	for _, n := range m.nodes {
		if err := n.FlushAll(ctx).Err(); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the servers.
func (m *memory) stop() {
	for _, n := range m.nodes {
		n.Close()
	}
	for _, s := range m.servers {
		s.Kill() // nobody needs its data any more
	}
}

// freePorts are two that nobody listens on: one for clients, one for the bus of a
// Cluster.
func freePorts() (one, two string, err error) {
	var ports [2]string
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close()
		_, ports[i], _ = net.SplitHostPort(l.Addr().String())
	}
	return ports[0], ports[1], nil
}
