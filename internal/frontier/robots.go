package frontier

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// How robots.txt files are kept.
const (
	// robotsLife is the longest time for which a value is kept.
	robotsLife = 24 * time.Hour
	// robotsParts is how many hashes the values of a day are spread over: with a million, a hash
	// has 61, few enough to be packed with Redis's default hash-max-listpack-entries of 128.
	robotsParts = 1 << 14
	// robotsInline is the longest text that is kept with its origin, and not under its digest.
	robotsInline = 24
	// robotsField is the longest name of a field. A longer one would unpack the hash
	// (hash-max-listpack-value).
	robotsField = 60
	// robotsDigest is how many bytes of a text's SHA-256 identify it, so that no one can construct
	// another with the same.
	robotsDigest = 16
)

// The first byte of a stored value says what follows.
const (
	robotsWhole  = iota // the value
	robotsShared        // the value up to the text, and the text's digest
)

// RobotsCache caches robots.txt files for the fleet, one for each origin. All jobs share
// it. Equal texts are stored once. Values are in hashes, by the day on which they were stored: Redis
// forgets these as a whole at the end of the next day. It is safe for concurrent use.
type RobotsCache struct {
	rdb  redis.UniversalClient
	now  func() time.Time
	gets *gatherer[*robotsGet]
}

// robotsGet is a robots.txt to be read from the cache, with the answer of Redis.
type robotsGet struct {
	origin string
	value  []byte
	text   string // the digest of a text that is to be appended; "" for none
	found  bool
	err    error
}

// RobotsCache returns the fleet's cache.
func (s *Store) RobotsCache() *RobotsCache {
	c := &RobotsCache{rdb: s.rdb, now: s.now}
	pace := s.pace()
	if _, cluster := s.rdb.(*redis.ClusterClient); cluster {
		pace = 0 // files are on different nodes
	}
	c.gets = newGatherer(pace, c.getAll)
	return c
}

// Get returns the cached value of an origin such as "https://example.com".
func (c *RobotsCache) Get(ctx context.Context, origin string) (value []byte, found bool, err error) {
	get := &robotsGet{origin: origin}
	if err := c.gets.do(ctx, get); err != nil {
		return nil, false, fmt.Errorf("robots cache: %s: %w", origin, err)
	}
	if get.err != nil {
		return nil, false, fmt.Errorf("robots cache: %s: %w", origin, redisconn.Passing(get.err))
	}
	return get.value, get.found, nil
}

// getAll reads files: what was stored today or yesterday, and then the texts.
func (c *RobotsCache) getAll(ctx context.Context, all []*robotsGet) {
	day := robotsDay(c.now())
	values := make([][2]*redis.StringCmd, len(all))
	_, _ = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, get := range all {
			for ago := range values[i] {
				values[i][ago] = p.HGet(ctx, robotsKey(day-int64(ago), get.origin), robotsName(get.origin))
			}
		}
		return nil
	})
	for i, get := range all {
		for ago := len(values[i]) - 1; ago >= 0; ago-- { // today's last
			get.heed(values[i][ago])
		}
	}
	texts := make([]*redis.StringCmd, len(all))
	_, _ = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, get := range all {
			if get.err == nil && get.text != "" {
				texts[i] = p.Get(ctx, robotsText(get.text))
			}
		}
		return nil
	})
	for i, get := range all {
		if texts[i] != nil {
			get.append(texts[i])
		}
	}
}

// heed takes over a stored value, if there is one.
func (g *robotsGet) heed(cmd *redis.StringCmd) {
	stored, err := cmd.Bytes()
	if err != nil {
		if !missing(err) {
			g.err = err
		}
		return
	}
	if len(stored) > robotsDigest && stored[0] == robotsShared {
		cut := len(stored) - robotsDigest
		g.value, g.text, g.found = stored[1:cut], string(stored[cut:]), true
	} else if len(stored) > 0 && stored[0] == robotsWhole {
		g.value, g.text, g.found = stored[1:], "", true
	}
}

// append appends the text. If Redis has lost it, nothing is known of the origin.
func (g *robotsGet) append(cmd *redis.StringCmd) {
	text, err := cmd.Bytes()
	switch {
	case err == nil:
		g.value = append(g.value, text...)
	case missing(err):
		g.value, g.found = nil, false
	default:
		g.err = err
	}
}

// missing reports whether an error says that there is no such value. A key of the wrong type has
// none: Put replaces it.
func missing(err error) bool { return err == redis.Nil || redisconn.IsWrongType(err) }

// Put caches a value for an origin. It is kept for a day or two, so the value itself must say how
// long it is valid, at most a day. From textAt on, the value is a text, which is stored once for
// all origins that have it.
func (c *RobotsCache) Put(ctx context.Context, origin string, value []byte, textAt int) error {
	now := c.now()
	key, name := robotsKey(robotsDay(now), origin), robotsName(origin)
	rest := robotsEnd(now).Sub(now)
	put := func() error {
		_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			stored := append([]byte{robotsWhole}, value...)
			if text := value[textAt:]; len(text) > robotsInline {
				sum := sha256.Sum256(text)
				digest := sum[:robotsDigest]
				p.Set(ctx, robotsText(string(digest)), text, rest) // first, so that no reference dangles
				stored = append(append([]byte{robotsShared}, value[:textAt]...), digest...)
			}
			p.HSet(ctx, key, name, stored)
			p.PExpire(ctx, key, rest)
			return nil
		})
		return err
	}
	err := put()
	if redisconn.IsWrongType(err) {
		if err = c.rdb.Del(ctx, key).Err(); err == nil {
			err = put()
		}
	}
	if err != nil {
		return fmt.Errorf("robots cache: %s: %w", origin, redisconn.Passing(err))
	}
	return nil
}

// robotsDay returns the number of the day in UTC.
func robotsDay(now time.Time) int64 { return now.Unix() / int64(robotsLife/time.Second) }

// robotsEnd returns when the values stored today are forgotten: when those stored at the end of the
// day are no longer valid.
func robotsEnd(now time.Time) time.Time {
	return time.Unix(0, 0).Add(time.Duration(robotsDay(now)+2) * robotsLife)
}

// robotsText returns the key of a text with this digest.
func robotsText(digest string) string {
	return keyRobotsText + base64.RawURLEncoding.EncodeToString([]byte(digest))
}

// robotsKey returns the key of the hash that has the value of an origin.
func robotsKey(day int64, origin string) string {
	return keyRobots + strconv.FormatInt(day, 10) + ":" + strconv.Itoa(int(hashOf(origin)%robotsParts))
}

// robotsName returns the field of an origin: its host behind a letter for the scheme, or a digest if
// that is too long.
func robotsName(origin string) string {
	name := origin
	if rest, ok := strings.CutPrefix(origin, "https://"); ok {
		name = "s" + rest
	} else if rest, ok := strings.CutPrefix(origin, "http://"); ok {
		name = "h" + rest
	}
	if len(name) > robotsField {
		sum := sha256.Sum256([]byte(name))
		return "#" + string(sum[:robotsDigest])
	}
	return name
}
