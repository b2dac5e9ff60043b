package redisd

import (
	"fmt"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// snapshot emits records that produce the present data, in an order that only depends on it.
// No command may run meanwhile.
func (b *Builtin) snapshot(now time.Time, emit func(sealed []byte) error) error {
	s := snapshotter{db: b.redis.DB(0), now: now, emit: emit}
	for _, key := range s.db.Keys() {
		if err := s.key(key); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		if at := deadlineOf(s.db, key); !at.IsZero() {
			const up = time.Millisecond - 1
			if err := s.add("PEXPIREAT", key, []string{strconv.FormatInt(at.Add(up).UnixMilli(), 10)}); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

const (
	snapshotRecord = 64 << 10 // bytes of a record, about
	snapshotWords  = 512      // arguments of a command, an even number
)

// snapshotter is the state of Builtin.snapshot.
type snapshotter struct {
	db     *miniredis.RedisDB
	now    time.Time
	emit   func(sealed []byte) error
	record record
}

// flush emits the record.
func (s *snapshotter) flush() error {
	if len(s.record) == 0 {
		return nil
	}
	err := s.emit(s.record.seal())
	s.record = s.record[:0]
	return err
}

// add adds a command that makes a part of a key. A key may be large, so it may extend over
// records.
func (s *snapshotter) add(name, key string, words []string) error {
	for len(words) > 0 {
		if len(s.record) == 0 {
			s.record.reset(s.now)
		}
		part := words[:min(snapshotWords, len(words))]
		s.record.add(name, append([]string{key}, part...)...)
		words = words[len(part):]
		if len(s.record) >= snapshotRecord {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// key adds the commands that make a key.
func (s *snapshotter) key(key string) error {
	switch kind := s.db.Type(key); kind {
	case "string":
		value, err := s.db.Get(key)
		if err != nil {
			return err
		}
		return s.add("SET", key, []string{value})
	case "hash":
		return s.hash(key)
	case "list":
		words, err := s.db.List(key)
		if err != nil {
			return err
		}
		return s.add("RPUSH", key, words)
	case "set":
		words, err := s.db.Members(key)
		if err != nil {
			return err
		}
		return s.add("SADD", key, words)
	case "zset":
		return s.sortedSet(key)
	default:
		return fmt.Errorf("the log has no command for the type %q", kind)
	}
}

func (s *snapshotter) hash(key string) error {
	fields, err := s.db.HKeys(key)
	if err != nil {
		return err
	}
	words := make([]string, 0, 2*len(fields))
	for _, field := range fields {
		words = append(words, field, s.db.HGet(key, field))
	}
	return s.add("HSET", key, words)
}

func (s *snapshotter) sortedSet(key string) error {
	scores, err := s.db.SortedSet(key)
	if err != nil {
		return err
	}
	members, err := s.db.ZMembers(key)
	if err != nil {
		return err
	}
	words := make([]string, 0, 2*len(members))
	for _, member := range members {
		words = append(words, strconv.FormatFloat(scores[member], 'g', -1, 64), member)
	}
	return s.add("ZADD", key, words)
}
