package fetch

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	hostile.Holds(t, map[string]any{
		"bytes of headers, with those of interim answers": hostile.Bytes(cfg.MaxHeaderBytes),
		"header lines":                       cfg.MaxHeaders,
		"time until an answer begins":        cfg.HeaderTimeout,
		"time to resolve a name and connect": cfg.ConnectTimeout,
		"time of a TLS handshake":            cfg.TLSTimeout,
		"codings that are removed":           maxCodings,
		"what a zstd body may look back":     hostile.Bytes(zstdWindow),
	})
}
