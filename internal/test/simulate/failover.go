package simulate

import (
	"maps"
	"slices"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// snapshot is the content of a Redis at a moment.
type snapshot map[string]value

// value is the value of a key. One of its fields is set.
type value struct {
	text string
	hash map[string]string
	list []string
	set  []string
	zset map[string]float64
	ttl  time.Duration
}

func (s *server) snapshot() snapshot {
	s.tick()
	all := make(snapshot)
	for _, key := range s.redis.Keys() {
		all[key] = s.read(key)
	}
	return all
}

func (s *server) read(key string) value {
	v := value{ttl: s.redis.TTL(key)}
	switch s.redis.Type(key) {
	case "string":
		v.text, _ = s.redis.Get(key)
	case "hash":
		v.hash = make(map[string]string)
		fields, _ := s.redis.HKeys(key)
		for _, f := range fields {
			v.hash[f] = s.redis.HGet(key, f)
		}
	case "list":
		list, _ := s.redis.List(key)
		v.list = slices.Clone(list)
	case "set":
		set, _ := s.redis.Members(key)
		v.set = slices.Clone(set)
	case "zset":
		zset, _ := s.redis.SortedSet(key)
		v.zset = maps.Clone(zset)
	}
	return v
}

func write(m *miniredis.Miniredis, key string, v value) {
	switch {
	case v.hash != nil:
		for f, x := range v.hash {
			m.HSet(key, f, x)
		}
	case v.list != nil:
		_, _ = m.Push(key, v.list...)
	case v.set != nil:
		_, _ = m.SetAdd(key, v.set...)
	case v.zset != nil:
		for member, score := range v.zset {
			_, _ = m.ZAdd(key, score, member)
		}
	default:
		_ = m.Set(key, v.text)
	}
	if v.ttl > 0 {
		m.SetTTL(key, v.ttl)
	}
}

// failover makes another server take over, which has the content of the snapshot. All
// connections end.
func (s *server) failover(was snapshot) {
	m := s.empty()
	for key, v := range was {
		write(m, key, v)
	}
	old := s.redis
	s.redis = m
	old.Close()
}
