package simulate

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	miniserver "github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// server is the Redis of the fleet and its faults.
type server struct {
	redis *miniredis.Miniredis
	skew  time.Duration          // of its clock
	gone  time.Time              // until when it is unavailable
	verbs sync.Map               // by the hash of a script, the verb in its header
	after func(verb, key string) // called after each executed command
	trace *trace
}

func newServer(t *trace, skew time.Duration) *server {
	s := &server{skew: skew, trace: t, after: func(string, string) {}}
	s.redis = s.empty()
	return s
}

func (s *server) empty() *miniredis.Miniredis {
	m := miniredis.NewMiniRedis()
	m.Seed(1)
	m.SetTime(time.Now().Add(s.skew))
	m.ClockTTL(true)
	return m
}

func (s *server) away() bool { return s.gone.After(time.Now()) }

// tick sets its clock.
func (s *server) tick() { s.redis.SetTime(time.Now().Add(s.skew)) }

// client returns a client for a process. With a nil process, the client only observes,
// and its commands are not interactions.
func (s *server) client(p *process) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, PoolSize: 16, MinRetryBackoff: -1, MaxRetryBackoff: -1,
		ConnMaxIdleTime: -1, ConnMaxLifetime: -1, ReadTimeout: -1, WriteTimeout: -1, PoolTimeout: time.Hour,
		// Otherwise the client looks its address up, which two simulations cannot do at once.
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled, EndpointType: maintnotifications.EndpointTypeNone,
		},
		Dialer: func(context.Context, string, string) (net.Conn, error) { return s.dial() },
	})
	if p != nil {
		c.AddHook(hook{s, p})
	}
	return c
}

// hook turns each command into an interaction.
type hook struct {
	server  *server
	process *process
}

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		verb, key, name := h.server.describe(cmd.Args())
		err := h.process.interact(ctx, toRedis, name, func() error {
			h.server.tick()
			err := next(ctx, cmd)
			h.server.learn(cmd.Args())
			h.server.trace.add("%s redis %s = %s", h.process.name, short(name), outcome(cmd, err))
			h.server.after(verb, key)
			return err
		}, func() { h.server.raw(cmd.Args()) })
		if err != nil {
			cmd.SetErr(err)
		}
		return err
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		var names []string
		for _, cmd := range cmds {
			_, _, name := h.server.describe(cmd.Args())
			names = append(names, name)
		}
		name := strings.Join(names, "; ")
		var answer error // the error of one of the commands; each also has its own
		err := h.process.interact(ctx, toRedis, name, func() error {
			h.server.tick()
			answer = next(ctx, cmds)
			h.server.trace.add("%s redis %s = %s", h.process.name, short(name), outcome(cmds[0], answer))
			return answer
		}, nil)
		if err != nil && err != answer { // the pipeline was lost
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

// outcome returns the reply to a command as one line.
func outcome(cmd redis.Cmder, err error) string {
	if err != nil {
		return "error " + err.Error()
	}
	_, value, _ := strings.Cut(cmd.String(), "]: ") // without the separator: the whole text
	if value == "" {
		value = cmd.String()
	}
	return digest(value)
}

// digest returns a short hash of a text.
func digest(text string) string {
	sum := fnv.New32a()
	io.WriteString(sum, text)
	return fmt.Sprintf("%08x", sum.Sum32())
}

// short returns the beginning of a text, and a digest of all of it.
func short(text string) string {
	const most = 110
	if len(text) <= most {
		return text
	}
	return text[:most] + "… " + digest(text)
}

// verbHeader matches the beginning of a script's file.
var verbHeader = regexp.MustCompile(`(?m)^-- ([a-z]+): (?:.*\n-- )*?KEYS\[1\]`)

// learn records the verb of a script.
func (s *server) learn(args []any) {
	if len(args) < 2 || fmt.Sprint(args[0]) != "eval" {
		return
	}
	source := fmt.Sprint(args[1])
	if found := verbHeader.FindAllStringSubmatch(source, -1); found != nil {
		sum := sha1.Sum([]byte(source))
		s.verbs.Store(hex.EncodeToString(sum[:]), found[len(found)-1][1])
	}
}

// describe returns the verb or command name, the key, and the full text of a command.
func (s *server) describe(args []any) (verb, key, name string) {
	words := make([]string, len(args))
	for i, a := range args {
		if b, ok := a.([]byte); ok {
			a = string(b)
		}
		words[i] = fmt.Sprint(a)
	}
	verb = words[0]
	switch {
	case (verb == "evalsha" || verb == "eval") && len(words) > 3:
		sha := words[1]
		if verb == "eval" {
			sum := sha1.Sum([]byte(words[1]))
			sha = hex.EncodeToString(sum[:])
			s.learn(args)
		}
		verb, words = "script-"+sha[:8], words[3:]
		if known, ok := s.verbs.Load(sha); ok {
			verb = known.(string)
		}
	default:
		words = words[1:]
	}
	if len(words) > 0 {
		key = words[0]
	}
	return verb, key, strings.ToValidUTF8(fmt.Sprintf("%s %q", verb, words), "?")
}

// raw executes a command for a process that no longer waits.
func (s *server) raw(args []any) {
	s.tick()
	words := make([]string, len(args))
	for i, a := range args {
		if b, ok := a.([]byte); ok {
			a = string(b)
		}
		words[i] = fmt.Sprint(a)
	}
	verb, key, _ := s.describe(args)
	s.redis.Server().Dispatch(miniserver.NewPeer(bufio.NewWriter(io.Discard)), words)
	s.after(verb, key)
}

// close closes the server and all connections.
func (s *server) close() { s.redis.Close() }

// dial connects to the current server.
func (s *server) dial() (net.Conn, error) {
	conn, err := s.redis.Dial()
	return pipe{conn}, err
}

// pipe is a connection that ends like a TCP connection.
type pipe struct{ net.Conn }

// Read reads what came.
func (p pipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	return n, closed(err)
}

// Write writes.
func (p pipe) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	return n, closed(err)
}

func closed(err error) error {
	if errors.Is(err, io.ErrClosedPipe) {
		return io.EOF
	}
	return err
}

// SetDeadline, SetReadDeadline and SetWriteDeadline do not report that the other end has
// closed, because TCP does not report that either.

func (p pipe) SetDeadline(t time.Time) error      { _ = p.Conn.SetDeadline(t); return nil }
func (p pipe) SetReadDeadline(t time.Time) error  { _ = p.Conn.SetReadDeadline(t); return nil }
func (p pipe) SetWriteDeadline(t time.Time) error { _ = p.Conn.SetWriteDeadline(t); return nil }
