package redisd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// effect is what a command does to the data, as far as the log is concerned.
type effect int

const (
	unknown  effect = iota // refused: the log could not repeat it
	passes                 // changes nothing, or only the connection
	writes                 // changes the data in a way that only depends on the data, its arguments and the clock
	scripts                // runs a script, whose commands are logged one by one
	deadline               // reads the deadline of a key, which miniredis does not know
)

// effects lists the commands that miniredis does not mark as read-only. A command that is
// missing here would be lost from the log, so it is refused. Such are: what picks members at
// random (SPOP), what blocks (BLPOP), transactions, other types of values, and other
// databases, and what fails in miniredis, such as SINTERSTORE.
var effects = table(map[effect]string{
	passes: `AUTH CLIENT CLUSTER COMMAND ECHO HELLO INFO MEMORY OBJECT PING PSUBSCRIBE PUBLISH PUBSUB
		PUNSUBSCRIBE QUIT SCRIPT SUBSCRIBE TIME UNSUBSCRIBE WAIT`,
	writes: `APPEND COPY DECR DECRBY DEL EXPIRE EXPIREAT FLUSHALL FLUSHDB GETDEL GETSET HDEL HINCRBY HMSET HSET
		HSETNX INCR INCRBY LINSERT LMOVE LPOP LPUSH LPUSHX LREM LSET LTRIM MSET MSETNX PERSIST PEXPIRE
		PEXPIREAT PSETEX RENAME RENAMENX RPOP RPOPLPUSH RPUSH RPUSHX SADD SET SETEX SETNX
		SETRANGE SMOVE SREM UNLINK ZADD ZINCRBY ZPOPMAX ZPOPMIN ZREM
		ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE`,
	scripts:  `EVAL EVALSHA`,
	deadline: `EXPIRETIME PEXPIRETIME PTTL TTL`,
})

func table(names map[effect]string) map[string]effect {
	all := make(map[string]effect)
	for e, list := range names {
		for name := range strings.FieldsSeq(list) {
			all[name] = e
		}
	}
	return all
}

// effectOf returns what a command does. refusal says why it is refused; "" if it is not.
// name is in capital letters.
func (b *Builtin) effectOf(name string, args []string) (e effect, refusal string) {
	e, listed := effects[name]
	switch {
	case name == "SELECT":
		if len(args) == 1 && args[0] != "0" {
			return unknown, "ERR the built-in Redis has only database 0"
		}
		return passes, ""
	case !listed && (b.server.IsReadOnlyCommand(name) || !b.server.IsRegisteredCommand(name)):
		return passes, "" // miniredis reports commands that it does not know
	case !listed:
		return unknown, fmt.Sprintf("ERR the built-in Redis does not support %s: use a redis-server", name)
	}
	if option := unsupported(name, args); option != "" {
		return unknown, fmt.Sprintf("ERR the built-in Redis does not support %s with %s: use a redis-server", name,
			option)
	}
	if e == writes && life(name, args) > maxLife {
		return unknown, fmt.Sprintf("ERR invalid expire time in '%s' command", strings.ToLower(name))
	}
	return e, ""
}

// unsupported returns an option of a command with which it is refused; "" for none. Those of
// deadlines would compare them with other than deadlines (see origin), and a key that COPY
// replaces keeps a part of what it was in miniredis.
func unsupported(name string, args []string) string {
	var options []string
	switch {
	case name == "SET" && len(args) > 2:
		options = []string{"EXAT", "PXAT"}
	case strings.Contains(name, "EXPIRE") && len(args) > 2:
		options = []string{"GT", "LT"}
	case name == "COPY" && len(args) > 2:
		if options = []string{"REPLACE"}; !slices.Equal(args[3:], []string{"0"}) {
			options = append(options, "DB")
		}
	}
	for _, option := range options {
		for _, arg := range args[2:] {
			if strings.EqualFold(arg, option) {
				return option
			}
		}
	}
	return ""
}

// dated returns the key whose deadline a command may set; "" for none.
func dated(name string, args []string) (key string) {
	switch name {
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SETEX", "PSETEX":
		if len(args) > 1 {
			return args[0]
		}
	case "SET":
		if len(args) > 3 { // at least EX or PX and a number; those with KEEPTTL are harmless
			return args[0]
		}
	case "COPY", "RENAME", "RENAMENX":
		if len(args) > 1 {
			return args[1]
		}
	}
	return ""
}

// life returns how long a command says that a key may live; 0 if it does not say so.
func life(name string, args []string) time.Duration {
	unit, number := time.Second, ""
	switch {
	case len(args) < 2:
	case name == "EXPIRE" || name == "SETEX" || name == "EXPIREAT":
		number = args[1]
	case name == "PEXPIRE" || name == "PSETEX" || name == "PEXPIREAT":
		unit, number = time.Millisecond, args[1]
	case name == "SET":
		for i := 2; i+1 < len(args); i++ {
			if ms := strings.EqualFold(args[i], "PX"); ms || strings.EqualFold(args[i], "EX") {
				number = args[i+1]
				if ms {
					unit = time.Millisecond
				}
			}
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil:
		return 0
	case strings.HasSuffix(name, "AT"):
		return time.Until(time.UnixMilli(0).Add(duration(n, unit)))
	}
	return duration(n, unit)
}

// duration returns n units; the longest duration if that is shorter.
func duration(n int64, unit time.Duration) time.Duration {
	if n > int64(math.MaxInt64/unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
