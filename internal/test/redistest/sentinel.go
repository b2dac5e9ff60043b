package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisd"
)

// Watch is a master, its replica, and the Sentinels that promote the replica when the
// master is lost.
type Watch struct {
	Name            string // of the master
	Master, Replica *Node
	Sentinels       []string // addresses
}

// Sentinel starts a master, a replica and three Sentinels for this test alone, which end
// with it. It returns when they have found each other. The test is skipped if no server
// is on PATH, as with [New].
func Sentinel(t testing.TB) *Watch {
	t.Helper()
	w := &Watch{Name: "trawl-master", Master: Own(t)}
	host, port, err := net.SplitHostPort(w.Master.TCP)
	if err != nil {
		t.Fatal(err)
	}
	w.Replica = Own(t, "--replicaof", host, port, "--repl-diskless-sync-delay", "0")
	order := fmt.Sprintf(`sentinel monitor %[1]s %s %s 2
sentinel down-after-milliseconds %[1]s 1000
sentinel failover-timeout %[1]s 5000
`, w.Name, host, port)
	for range 3 {
		w.Sentinels = append(w.Sentinels, startSentinel(t, order).TCP)
	}
	ctx, cancel := context.WithTimeout(t.Context(), clusterPatience)
	defer cancel()
	for _, addr := range w.Sentinels {
		if err := w.ready(ctx, addr); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// startSentinel starts a Sentinel with a configuration file, which the Sentinel rewrites.
// redis-server requires that file before all arguments, so a script puts it there.
func startSentinel(t testing.TB, configuration string) *Node {
	t.Helper()
	server, ok := redisd.Find()
	if !ok {
		miss(t)
	}
	dir := t.TempDir()
	file, script := filepath.Join(dir, "sentinel.conf"), filepath.Join(dir, "sentinel.sh")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\nexec '%s' '%s' \"$@\" --sentinel\n", server, file)
	if err := writeProgram(script, text); err != nil {
		t.Fatal(err)
	}
	return own(t, redisd.Config{Path: script})
}

// writeProgram writes a file that will be executed immediately. No child may be forked
// while the file is open: the child would briefly hold it open, and the kernel does not
// execute a file that is open for writing (ETXTBSY).
func writeProgram(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o700)
}

// ready waits until a Sentinel knows the replica and the other Sentinels.
func (w *Watch) ready(ctx context.Context, sentinel string) error {
	s := redis.NewSentinelClient(&redis.Options{Addr: sentinel})
	defer s.Close()
	return poll(ctx, func() error {
		master, err := s.Master(ctx, w.Name).Result()
		if err == nil && (master["num-slaves"] != "1" || master["num-other-sentinels"] != "2") {
			err = fmt.Errorf("Sentinel %s knows %s replicas and %s other Sentinels", sentinel, master["num-slaves"],
				master["num-other-sentinels"])
		}
		if err != nil {
			return err
		}
		return w.synced(ctx, s)
	})
}

// synced returns an error unless a Sentinel has seen that the replica follows its master.
func (w *Watch) synced(ctx context.Context, s *redis.SentinelClient) error {
	replicas, err := s.Replicas(ctx, w.Name).Result()
	if err == nil && (len(replicas) != 1 || replicas[0]["master-link-status"] != "ok") {
		err = errors.New("the replica does not follow yet")
	}
	return err
}

// URL returns the address in the form of the command line, with a path such as "/0" after
// the name of the master.
func (w *Watch) URL(path string) string {
	return "redis+sentinel://" + strings.Join(w.Sentinels, ",") + "/" + w.Name + path
}
