package scheduler

import "time"

// contact records how well a scheduler has recently reached Redis. Workers may have had the
// same trouble, so silence during it does not count against them. A connection that loses a
// reply now and then is different: if each loss counted as an outage, no lost worker would
// ever be detected.
type contact struct {
	reached  time.Time // when a look last succeeded
	troubled time.Time // when a look last failed
	outages  []outage  // the most recent last, each shorter than those before it
}

// outage is a time in which no look is known to have succeeded. It may still be going on.
type outage struct {
	lasted time.Duration
	until  time.Time
}

// note records whether a look failed.
func (c *contact) note(failed bool) {
	now := time.Now()
	if !failed {
		c.reached = now
		return
	}
	c.troubled = now
	c.add(outage{now.Sub(c.reached), now})
}

// maxOutages is the number of outages that are remembered.
const maxOutages = 16

func (c *contact) add(o outage) {
	for len(c.outages) > 0 && c.outages[len(c.outages)-1].lasted <= o.lasted {
		c.outages = c.outages[:len(c.outages)-1]
	}
	if len(c.outages) < maxOutages {
		c.outages = append(c.outages, o)
	}
}

// calm reports whether no outage longer than most has ended within term.
func (c *contact) calm(most, term time.Duration) bool {
	for _, o := range c.outages {
		if o.lasted > most && time.Since(o.until) < term {
			return false
		}
	}
	return true
}
