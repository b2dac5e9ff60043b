package redisd

import (
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
)

// Config says which server to start, and where.
type Config struct {
	// Path is the server's binary. Default: the one that Find finds.
	Path string
	// Dir is the folder of the server's files: its data, redis.log, and what
	// tells the next server in the same folder about this one. It is made with
	// mode 0700 where it is missing. Required.
	Dir string
	// Persist keeps the data in Dir: what was written survives Stop and the
	// death of the server, and all but the last second a failing machine.
	// Default false: the data end with the server.
	Persist bool
	// Log hears of starts and stops. Default: nobody does.
	Log *slog.Logger
	// Args are further arguments of the server, such as "--maxmemory", "1gb".
	// They come last and so have the last word.
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

// withDefaults fills in what was left out. Dir becomes absolute, because the
// server makes it its working directory.
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

// arguments is the server's command line. It has no logfile: the server then
// writes to its standard output, which is Dir/redis.log, so that also what it
// says before it has read its settings is found there.
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
