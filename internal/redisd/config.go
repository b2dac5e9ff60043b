package redisd

import (
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
)

// Config configures a server.
type Config struct {
	// Path is the server's binary. Default: the result of Find.
	Path string
	// Dir is the folder for the server's files: its data, redis.log, and what the next
	// server in the same folder must know about this one. It is created with mode 0700 if it
	// is missing. Required.
	Dir string
	// Persist keeps the data in Dir. It survives Stop and the death of the server; if the
	// machine fails, the last second may be lost. Default false: the data ends with the
	// server.
	Persist bool
	// Log receives starts and stops. Default none.
	Log *slog.Logger
	// Args are additional arguments of the server, such as "--maxmemory", "1gb". They come
	// last and take precedence.
	Args []string
}

// Find returns the path of the redis-server or else the valkey-server on PATH.
func Find() (path string, ok bool) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// withDefaults fills in missing fields. It makes Dir absolute, because the server makes it
// its working directory.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("redisd: Dir is empty: name the folder of the server's files")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("redisd: folder %q: %w", c.Dir, err)
	}
	c.Dir = dir
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Path != "" {
		return c, nil
	}
	path, ok := Find()
	if !ok {
		return c, errors.New("redisd: neither redis-server nor valkey-server is on PATH: install one, or name it in Path")
	}
	c.Path = path
	return c, nil
}

// arguments returns the server's command line. It sets no logfile, so that the server
// writes to its standard output, which is Dir/redis.log. So the log also contains what the
// server says before it has read its settings.
func (c Config) arguments(socket string) []string {
	appendOnly := "no"
	if c.Persist {
		appendOnly = "yes"
	}
	return append([]string{
		"--port", "0",
		"--unixsocket", socket,
		"--unixsocketperm", "700",
		"--protected-mode", "yes",
		"--daemonize", "no",
		"--dir", c.Dir,
		"--save", "",
		"--appendonly", appendOnly,
		"--appendfsync", "everysec",
		"--maxmemory-policy", "noeviction",
		"--loglevel", "notice",
	}, c.Args...)
}
