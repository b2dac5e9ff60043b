package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// quiet keeps libraries from writing to standard error past our log: go-redis
// tells of each failed connection, which its error says as well, and net/http of
// servers that talk out of turn.
func quiet(l *slog.Logger) {
	redis.SetLogger(redisLog{l})
	log.SetOutput(io.Discard)
}

type redisLog struct{ log *slog.Logger }

func (r redisLog) Printf(_ context.Context, format string, args ...any) {
	r.log.Debug("redis", "message", fmt.Sprintf(format, args...))
}
