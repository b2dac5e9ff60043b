package testsite

import (
	"context"
	"testing"
	"time"
)

// WatchStalls measures the longest time for which this process was kept from running, by
// other processes or by its own work, until the returned function is called. A stalled
// site logs requests late by up to that time.
func WatchStalls(t testing.TB) (longest func() time.Duration) {
	t.Helper()
	const every = time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	result := make(chan time.Duration, 1)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		most, last := time.Duration(0), time.Now()
		for ctx.Err() == nil {
			<-tick.C
			now := time.Now()
			most, last = max(most, now.Sub(last)-every), now
		}
		result <- most
	}()
	return func() time.Duration {
		stop()
		return <-result
	}
}
