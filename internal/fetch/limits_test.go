package fetch

import (
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

func TestTheLimitsThatArePublishedAreKept(t *testing.T) {
	t.Parallel()
	cfg := Config{}.withDefaults()
	hostile.Holds(t, map[string]any{
		"bytes of headers, including interim responses": hostile.Bytes(cfg.MaxHeaderBytes),
		"header lines":                       cfg.MaxHeaders,
		"time until a response begins":       cfg.HeaderTimeout,
		"time to resolve a name and connect": cfg.ConnectTimeout,
		"time of a TLS handshake":            cfg.TLSTimeout,
		"codings that are decoded":           maxCodings,
		"window of a zstd body":              hostile.Bytes(zstdWindow),
	})
}
