package redisd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrInUse means that another process has a server in the folder.
var ErrInUse = errors.New("another process has its Redis there: wait for it to end, or choose another folder")

var errLocked = errors.New("locked by another process")

const (
	patience = 10 * time.Second      // how long a server may take to end when asked to
	grace    = time.Second           // how long a claim may outlive its owner
	tick     = 10 * time.Millisecond // interval between checks of a server that starts or ends
)

// home is the folder of a server, claimed by this process.
//
// Two locks tell which processes are alive. trawl.lock is held by the process that started
// the server, and redis.lock by the server itself, which inherits it. So if the first is
// free and the second is not, the server has survived its parent. Process IDs prove
// nothing, and are only shown to people.
type home struct {
	dir   string
	claim *os.File
}

// claim creates the folder and claims it for this process. The error wraps ErrInUse if
// another server of this or another process is there.
func claim(ctx context.Context, dir string) (*home, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of Redis: %w", err)
	}
	// A killed process closes its files a little later than its children end, and a process
	// that forks lends them to the child for a moment.
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	f, err := waitLock(ctx, filepath.Join(dir, "trawl.lock"))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("folder %q: %w", dir, ErrInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("claim the folder of Redis: %w", err)
	}
	return &home{dir, f}, nil
}

// waitLock locks the file at path as soon as it is free. It returns errLocked if ctx ends
// first.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		f, err := lock(path)
		if !errors.Is(err, errLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-ticker.C:
		}
	}
}

// leave releases the folder.
func (h *home) leave() { h.claim.Close() }

// vacate returns the lock for the next server to inherit. If a server has survived its
// parent, it first asks that server to end and waits until it has.
func (h *home) vacate(ctx context.Context) (*os.File, error) {
	key, err := lock(h.serverLock())
	if errors.Is(err, errLocked) {
		key, err = h.evict(ctx)
	}
	if err != nil {
		return nil, err
	}
	h.forget()
	return key, nil
}

func (h *home) serverLock() string { return filepath.Join(h.dir, "redis.lock") }

func (h *home) evict(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	left := h.recall()
	// The lock shows the result. The server may be ending anyway.
	_, _ = ask(ctx, left.Socket, "SHUTDOWN")
	key, err := waitLock(ctx, h.serverLock())
	if errors.Is(err, errLocked) {
		err = fmt.Errorf("a Redis of an earlier run (process %d, socket %q) does not leave folder %q: end it, or choose another folder",
			left.PID, left.Socket, h.dir)
	}
	return key, err
}

// newSocket creates a folder for one socket that only this user can enter, and stores its
// address before anything can listen there. The socket is not in the server's folder,
// because some systems limit its path to 103 bytes (sun_path in unix(4) of the BSDs).
func (h *home) newSocket() (string, error) {
	const longest = 103
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		dir, err := os.MkdirTemp(parent, "trawl-redis-")
		if err != nil {
			return "", fmt.Errorf("make a folder for the socket of Redis: %w", err)
		}
		socket := filepath.Join(dir, "redis.sock")
		if len(socket) <= longest {
			return socket, h.remember(address{Socket: socket})
		}
		os.Remove(dir)
	}
	return "", fmt.Errorf("make a socket for Redis: its path in /tmp would be longer than %d bytes", longest)
}
