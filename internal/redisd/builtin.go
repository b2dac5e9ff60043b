package redisd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Builtin is an imitation of Redis in this process. It listens on the loopback interface,
// where other users of the machine could reach it, so it requires a password that only its
// URL contains. It has one database, strings, hashes, lists, sets and sorted sets, scripts
// and channels; it has no transactions and no commands that block. Its methods are safe for
// concurrent use.
type Builtin struct {
	redis   *miniredis.Miniredis
	server  *server.Server // of redis, which forgets it when it is closed
	secret  string
	log     *slog.Logger
	home    *home         // nil if the data is only in memory
	stop    chan struct{} // closed by Stop
	idle    chan struct{} // closed when the clock has stopped
	clients sync.Map      // the *server.Peer of each connection

	// bypass is the connection, or the script, whose command mu's holder carries out now.
	bypass atomic.Pointer[server.Peer]

	mu        sync.Mutex // held while a command changes data, and for what follows
	deadlines deadlines
	commands  *commandLog // nil if the data is only in memory
	failing   error       // why commands cannot be logged
	unit      unit        // what the command that mu's holder carries out has done

	upkeep    sync.Mutex // held while the log is forced to disk or rewritten; before mu
	rewriteAt int64      // the size below which the log is not rewritten
	grown     int64      // the size at which the log is rewritten next
	synced    int64      // the size of the log when it was last forced to disk
}

// StartBuiltin starts an imitation of Redis whose data is in memory and is lost with the
// process. log may be nil.
func StartBuiltin(log *slog.Logger) (*Builtin, error) {
	b, err := newBuiltin(log)
	if err != nil {
		return nil, err
	}
	b.serve()
	b.log.Info("built-in redis started; its data is lost when this process ends", "addr", b.redis.Addr())
	return b, nil
}

// BuiltinConfig configures an imitation of Redis that keeps its data.
type BuiltinConfig struct {
	// Dir is the folder of its log. It is created with mode 0700 if it is missing. Required.
	Dir string
	// Fresh discards the data of an earlier process.
	Fresh bool
	// Log receives starts and stops, and trouble with the log of commands. Default none.
	Log *slog.Logger
}

// OpenBuiltin starts an imitation of Redis that keeps its data in a folder. It begins with
// what an earlier process wrote there, even if that was killed. A command that changes data
// is written to the log, in the order in which commands are carried out, before it is
// answered. The log is forced to disk every second, so if the machine fails, the last second
// may be lost. The log is replaced by a snapshot of the data when it has grown to three times
// the size of the last one, and to 32 MB at least.
//
// If another process has a Redis in the folder, the error wraps [ErrInUse]. ctx bounds the
// wait for a process that is ending.
func OpenBuiltin(ctx context.Context, cfg BuiltinConfig) (*Builtin, error) {
	return openBuiltin(ctx, cfg, rewriteSize)
}

const (
	rewriteSize = 32 << 20 // the size below which the log is not rewritten
	growth      = 3        // it is rewritten when it is so many times its last snapshot
)

func openBuiltin(ctx context.Context, cfg BuiltinConfig, rewriteAt int64) (*Builtin, error) {
	if cfg.Dir == "" {
		return nil, errors.New("redisd: Dir is empty: name the folder of the built-in Redis")
	}
	h, err := claim(ctx, cfg.Dir)
	if err != nil {
		return nil, err
	}
	b, err := newBuiltin(cfg.Log)
	if err != nil {
		h.leave()
		return nil, err
	}
	b.home, b.rewriteAt, b.grown = h, rewriteAt, rewriteAt
	if err := b.load(cfg); err != nil {
		b.redis.Close()
		h.leave()
		return nil, fmt.Errorf("start the built-in redis: %w", err)
	}
	b.serve()
	return b, nil
}

// DiscardBuiltin removes the data of a built-in Redis from a folder in which none is running.
func DiscardBuiltin(dir string) error {
	if err := os.Remove(filepath.Join(dir, logName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("discard the data of the built-in redis: %w", err)
	}
	return nil
}

// newBuiltin starts an imitation that no client can use yet.
func newBuiltin(log *slog.Logger) (*Builtin, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b := &Builtin{
		redis:  miniredis.NewMiniRedis(),
		secret: rand.Text(),
		log:    log,
		stop:   make(chan struct{}),
		idle:   make(chan struct{}),
	}
	if err := b.redis.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the built-in redis: %w", err)
	}
	b.server = b.redis.Server()
	return b, nil
}

// load opens the log and carries out its commands.
func (b *Builtin) load(cfg BuiltinConfig) (err error) {
	began := time.Now()
	if cfg.Fresh {
		if err := DiscardBuiltin(cfg.Dir); err != nil {
			return err
		}
	}
	var torn int64
	if b.commands, torn, err = openLog(cfg.Dir, b.repeat); err != nil {
		return err
	}
	b.redis.SetTime(time.Time{})
	b.synced = b.commands.size
	b.log.Info("built-in redis started", "addr", b.redis.Addr(), "dir", cfg.Dir,
		"log_bytes", b.commands.size, "took", time.Since(began).Round(time.Millisecond))
	if torn > 0 {
		b.log.Warn("the last command in the log of the built-in redis was not whole, and is left out",
			"log", b.commands.path, "bytes", torn)
	}
	return nil
}

// serve admits clients.
func (b *Builtin) serve() {
	b.server.SetPreHook(b.intercept)
	b.redis.RequireAuth(b.secret)
	go b.run()
}

// run keeps the clock, until Stop.
func (b *Builtin) run() {
	defer close(b.idle)
	const step, second = 100 * time.Millisecond, 10
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for steps := 1; ; steps++ {
		select {
		case <-b.stop:
			return
		case <-ticker.C:
		}
		b.expire(time.Now())
		if b.commands != nil && steps%second == 0 {
			b.sync()
			b.rewriteIfGrown()
		}
	}
}

// sync forces the log to disk.
func (b *Builtin) sync() {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	b.mu.Lock()
	_ = b.retry()
	size := b.commands.size
	b.mu.Unlock()
	if size == b.synced {
		return
	}
	if err := b.commands.file.Sync(); err != nil {
		b.log.Error("the log of the built-in redis cannot be forced to disk", "log", b.commands.path, "err", err)
		return
	}
	b.synced = size
}

// rewriteIfGrown replaces the log by a snapshot if it has grown enough. Commands wait while
// the snapshot is written, but not until it is on disk.
func (b *Builtin) rewriteIfGrown() {
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	began := time.Now()
	was, next, err := b.beginRewriting(began)
	if next == nil && err == nil {
		return
	}
	paused := time.Since(began)
	if err == nil {
		err = b.endRewriting(next.Sync())
	}
	if err != nil {
		b.grown = max(b.grown, growth*was)
		b.log.Warn("the log of the built-in redis cannot be rewritten, and goes on growing", "log", b.commands.path,
			"err", err)
		return
	}
	b.log.Info("the log of the built-in redis is rewritten", "log_bytes", was, "snapshot_bytes", b.synced,
		"paused", paused.Round(time.Millisecond), "took", time.Since(began).Round(time.Millisecond))
}

// beginRewriting writes a snapshot into the next log, if the log, whose size it returns, has
// grown enough. The next log is nil if it has not.
func (b *Builtin) beginRewriting(now time.Time) (size int64, next *os.File, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing != nil || b.commands.size < b.grown {
		return 0, nil, nil
	}
	err = b.commands.rewrite(func(emit func([]byte) error) error { return b.snapshot(now, emit) })
	return b.commands.size, b.commands.next, err
}

// endRewriting replaces the log by the next one, unless that could not be forced to disk
// because of err.
func (b *Builtin) endRewriting(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.commands.next == nil:
		return errors.New("a command could not be written to the new one")
	case err != nil:
		b.commands.giveUpNext()
		return err
	}
	if err := b.commands.replace(); err != nil {
		return err
	}
	syncDir(b.home.dir)
	b.synced = b.commands.size
	b.grown = max(b.rewriteAt, growth*b.synced)
	return nil
}

// patient is the read timeout for a server on the same machine. If such a server answers
// late, it is busy, and a retry would make it busier.
const patient = "read_timeout=30s"

// URL returns the address, with the password, in the form that go-redis and the command
// line accept.
func (b *Builtin) URL() string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", b.secret), Host: b.redis.Addr(), RawQuery: patient}
	return u.String()
}

// Stop ends the imitation. Data that is kept is on disk when it returns; an error says that
// the last of it may be lost. Stop must be called once.
func (b *Builtin) Stop() error {
	close(b.stop)
	<-b.idle
	b.redis.Close()
	if b.commands == nil {
		return nil
	}
	defer b.home.leave()
	if err := b.commands.close(); err != nil {
		return fmt.Errorf("close the log of the built-in redis: %w", err)
	}
	return nil
}
