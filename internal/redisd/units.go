package redisd

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// unit is what one command of a client does: the commands that change data, of which a
// script may have many. They are logged as one record, so that either all or none of them
// are repeated.
//
// Scripts themselves are not logged. They read the clock, they take longer than what they
// do, and most of them find nothing to do, such as those that look for work.
type unit struct {
	at     time.Time
	record record
	dated  []string // keys whose deadlines it may have set
}

// begin empties the unit.
func (u *unit) begin(at time.Time) {
	const large = 1 << 20 // bytes
	if cap(u.record) > large {
		u.record = nil
	}
	u.at, u.dated = at, u.dated[:0]
	u.record.reset(at)
}

// add adds a command that changes data.
func (u *unit) add(name string, args []string) {
	u.record.add(name, args...)
	if key := dated(name, args); key != "" {
		u.dated = append(u.dated, key)
	}
}

// intercept handles a command before miniredis does, and reports whether it is done. It is
// also called for the commands of scripts.
func (b *Builtin) intercept(peer *server.Peer, name string, args ...string) (done bool) {
	if peer == b.bypass.Load() {
		return false
	}
	e, refusal := b.effectOf(name, args)
	switch {
	case refusal != "":
		peer.WriteError(refusal)
		return true
	case !b.isClient(peer):
		return b.ofScript(peer, e, name, args)
	case e == passes:
		return false
	}
	b.execute(peer, e, name, args)
	return true
}

// isClient reports whether a peer is the connection of a client, and not a script. miniredis
// sets the context of a connection with its first command, and that of a script before.
func (b *Builtin) isClient(peer *server.Peer) bool {
	if peer.Ctx != nil {
		_, known := b.clients.Load(peer)
		return known
	}
	if _, known := b.clients.LoadOrStore(peer, struct{}{}); !known {
		peer.OnDisconnect(func() { b.clients.Delete(peer) })
	}
	return true
}

// ofScript handles the command of a script. This goroutine holds mu: it is in execute.
func (b *Builtin) ofScript(script *server.Peer, e effect, name string, args []string) (done bool) {
	switch {
	case e == deadline:
		script.WriteRaw(b.ask(script, e, name, args))
		return true
	case e == writes && b.failing != nil:
		script.WriteError(misconf(b.failing))
		return true
	case e == writes:
		b.unit.add(name, args)
	}
	return false
}

// execute carries out a command of a client, and answers it once what it did is logged.
func (b *Builtin) execute(client *server.Peer, e effect, name string, args []string) {
	b.mu.Lock()
	answer := b.perform(client, e, name, args)
	b.mu.Unlock()
	client.WriteRaw(answer)
}

// perform carries out a command, logs it, and returns the answer. The caller holds mu.
func (b *Builtin) perform(client *server.Peer, e effect, name string, args []string) string {
	if b.retry() != nil && e == writes {
		return refuse(b.failing)
	}
	b.begin(time.Now())
	answer := b.ask(client, e, name, args)
	if e == writes && !strings.HasPrefix(answer, "-") {
		b.unit.add(name, args)
	}
	if err := b.finish(); err != nil {
		return refuse(err)
	}
	return answer
}

// ask has miniredis carry out a command for a client or a script, and returns the answer.
func (b *Builtin) ask(asker *server.Peer, e effect, name string, args []string) string {
	if e == deadline && len(args) == 1 {
		return untilDeadline(b.unit.at, name, b.dispatch(asker, "PTTL", args))
	}
	return b.dispatch(asker, name, args)
}

func (b *Builtin) dispatch(asker *server.Peer, name string, args []string) string {
	var answer bytes.Buffer
	peer := server.NewPeer(bufio.NewWriter(&answer))
	peer.Ctx, peer.Resp3 = asker.Ctx, asker.Resp3
	outer := b.bypass.Swap(peer)
	b.server.Dispatch(peer, append([]string{name}, args...))
	b.bypass.Store(outer)
	peer.Flush()
	return answer.String()
}

// begin begins a unit: the clock stands still for it, and keys whose deadlines have passed
// are gone.
func (b *Builtin) begin(now time.Time) {
	now = now.Truncate(time.Microsecond) // as the log has it
	b.unit.begin(now)
	b.redis.SetTime(now)
	if b.failing != nil {
		return
	}
	db := b.redis.DB(0)
	for key, ok := b.deadlines.due(db, now); ok; key, ok = b.deadlines.due(db, now) {
		db.Del(key)
		b.unit.add("DEL", []string{key})
	}
}

// finish ends a unit: it learns the deadlines that were set, and logs what was done. An error
// means that what was done is not in the log yet, and that nothing more may be done until
// retry succeeds.
func (b *Builtin) finish() error {
	b.redis.SetTime(time.Time{})
	b.learn(b.unit.at, b.unit.dated)
	if b.commands == nil || b.unit.record.empty() {
		return nil
	}
	err := b.commands.append(b.unit.record.seal())
	if err != nil {
		b.failing = err
		b.log.Error("the log of the built-in redis cannot be written; it refuses changes until it can", "err", err)
	}
	return err
}

// retry tries again to write what could not be written, and returns why it still cannot
// be.
func (b *Builtin) retry() error {
	if b.failing == nil {
		return nil
	}
	if b.failing = b.commands.flush(); b.failing == nil {
		b.log.Info("the log of the built-in redis can be written again")
	}
	return b.failing
}

// misconf is the error with which Redis refuses a change that it cannot log.
func misconf(err error) string {
	return "MISCONF the log of the built-in Redis cannot be written: " + err.Error()
}

func refuse(err error) string { return "-" + strings.ReplaceAll(misconf(err), "\n", " ") + "\r\n" }

// expire removes the keys whose deadlines have passed.
func (b *Builtin) expire(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retry() != nil {
		return
	}
	b.begin(now)
	_ = b.finish() // it is logged, and tried again
}

// repeat carries out the commands of a record. Errors are expected: a script's command is
// logged whether or not it succeeds.
func (b *Builtin) repeat(at time.Time, commands [][]string) {
	b.unit.begin(at)
	b.redis.SetTime(at)
	for _, words := range commands {
		b.server.Dispatch(server.NewPeer(bufio.NewWriter(io.Discard)), words)
		if key := dated(words[0], words[1:]); key != "" {
			b.unit.dated = append(b.unit.dated, key)
		}
	}
	b.learn(at, b.unit.dated)
}
