package fleet

import (
	"math"
	"runtime/metrics"
	"time"
)

// paceTerm is the time that mostly determines a pace.
const paceTerm = 5 * time.Second

// pace measures how many pages a second a worker has settled lately: the older a second, the less
// it counts. The zero value has no measurement yet. It is not safe for concurrent use.
type pace struct {
	at        time.Time
	count     int64
	perSecond float64
}

// rate returns the pace, given how many pages were settled so far.
func (p *pace) rate(now time.Time, count int64) float64 {
	since := now.Sub(p.at)
	if p.at.IsZero() || since <= 0 {
		p.at, p.count = now, count
		return p.perSecond
	}
	current := float64(count-p.count) / since.Seconds()
	p.perSecond += (current - p.perSecond) * -math.Expm1(-since.Seconds()/paceTerm.Seconds())
	p.at, p.count = now, count
	return p.perSecond
}

// memory returns how many bytes of memory Go has from the system.
func memory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
