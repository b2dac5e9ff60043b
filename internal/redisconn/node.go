package redisconn

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/redis/go-redis/v9"
)

// node is what one Redis server says about itself, and the conclusions.
type node struct {
	where    string            // "Redis at 127.0.0.1:6379"
	facts    map[string]string // from INFO and CLUSTER INFO
	config   map[string]string // from CONFIG GET
	refusals []string          // errors by which it refused to answer
	doubts   []string          // what could not be determined because of that
	warnings []Warning
}

// settings are read with CONFIG GET. INFO reports all but two of them as well, in case
// CONFIG is forbidden.
var settings = []string{"save", "set-max-intset-entries", "maxmemory", "maxmemory-policy", "appendonly"}

// probe queries a Redis server about itself. Its ACL or its provider may forbid that, which
// is not an error.
func probe(ctx context.Context, rdb *redis.Client, cluster bool) (*node, error) {
	n := &node{where: whereIs(rdb), facts: make(map[string]string), config: make(map[string]string)}
	questions := [][]any{{"INFO"}}
	if cluster {
		questions = append(questions, []any{"CLUSTER", "INFO"})
	}
	for _, question := range questions {
		text, err := rdb.Do(ctx, question...).Text()
		if err := n.refused(err); err != nil {
			return nil, err
		}
		maps.Copy(n.facts, parseInfo(text))
	}
	return n, n.askSettings(ctx, rdb)
}

func (n *node) askSettings(ctx context.Context, rdb *redis.Client) error {
	for _, name := range settings {
		got, err := rdb.ConfigGet(ctx, name).Result()
		if err != nil {
			return n.refused(err) // the other settings would be refused too
		}
		if value, known := got[name]; known {
			n.config[name] = value
		}
	}
	return nil
}

// whereIs names a Redis server in errors.
func whereIs(rdb *redis.Client) string {
	const failover = "FailoverClient" // what go-redis uses as the address
	if addr := rdb.Options().Addr; addr != failover {
		return "Redis at " + addr
	}
	return "the Redis that the Sentinels name"
}

// refused records an error by which Redis refuses to answer, and returns any other.
func (n *node) refused(err error) error {
	if err == nil {
		return nil
	}
	text := oneLine(err.Error())
	if strings.HasPrefix(text, "NOPERM") || strings.HasPrefix(text, "ERR") {
		n.refusals = append(n.refusals, text)
		return nil
	}
	return fmt.Errorf("ask %s about itself: %w", n.where, err)
}

// parseInfo parses the answer of INFO: lines of "name:value".
func parseInfo(text string) map[string]string {
	facts := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			facts[name] = value
		}
	}
	return facts
}

func (n *node) info(name string) (value string, known bool) {
	value, known = n.facts[name]
	return value, known
}

// infoOr returns a fact, or else the corresponding setting.
func (n *node) infoOr(fact, setting string) (value string, known bool) {
	if value, known := n.facts[fact]; known {
		return value, true
	}
	value, known = n.config[setting]
	return value, known
}

func (n *node) unknown(what string) { n.doubts = append(n.doubts, what) }

func (n *node) warn(format string, args ...any) {
	n.warnings = append(n.warnings, Warning(n.where+" "+fmt.Sprintf(format, args...)))
}
