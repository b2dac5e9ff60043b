package trawl

import "time"

// WithKeepPause returns cfg with another first pause of a sink that failed.
func WithKeepPause(cfg Config, pause time.Duration) Config {
	cfg.keepPause = pause
	return cfg
}
