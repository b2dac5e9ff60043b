package wire

import (
	"fmt"
	"testing"
	"time"
)

// TestTheRetentionKeepsAboutTenThousandVisits simulates hours of visits at a steady rate.
func TestTheRetentionKeepsAboutTenThousandVisits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		perSecond   float64
		least, most int           // visits kept in the end
		shown       time.Duration // the minimum time for which each is kept
	}{
		{perSecond: 0.01, least: 35, most: 37, shown: maxRetention},
		{perSecond: 2, least: 7_000, most: 7_300, shown: maxRetention},
		{perSecond: 10, least: 9_000, most: 11_000, shown: 15 * time.Minute},
		{perSecond: 100, least: 9_000, most: 11_000, shown: 90 * time.Second},
		{perSecond: 700, least: 9_000, most: 11_000, shown: minRetention},
		// Most of these tasks have expired, but asynq deletes them only every eight seconds.
		{perSecond: 2_000, least: 19_000, most: 23_000, shown: minRetention},
	} {
		t.Run(fmt.Sprint(c.perSecond, " a second"), func(t *testing.T) {
			t.Parallel()
			gap := time.Duration(float64(time.Second) / c.perSecond)
			now := time.Unix(1_700_000_000, 0)
			end := now.Add(max(2*time.Hour/time.Duration(1+c.perSecond/10), time.Minute))
			var r rate
			kept := 0
			var last time.Duration
			for ; now.Before(end); now = now.Add(gap) {
				last = retentionAt(r.note(now, 1))
				if now.Add(last).After(end) {
					kept++
				}
			}
			if kept < c.least || kept > c.most {
				t.Errorf("%d visits are kept, want %d to %d", kept, c.least, c.most)
			}
			if last < c.shown {
				t.Errorf("a visit is kept for %v, want at least %v", last, c.shown)
			}
		})
	}
}
