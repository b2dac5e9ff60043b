package scheduler

import "time"

// contact is how well a scheduler has reached Redis of late. Workers may have had the
// same trouble, so that what they did not say in time does not count against them. A
// connection that loses an answer now and then is another matter: if each counted as an
// outage, no lost worker would ever be found out.
type contact struct {
	reached  time.Time // when a look last went well
	troubled time.Time // when one last failed
	outages  []outage  // the most recent last, each shorter than those before
}

// outage is a time in which no look went well, as far as is known: it may go on.
type outage struct {
	lasted time.Duration
	until  time.Time
}

// note notes how a look went.
func (c *contact) note(failed bool) {
	now := time.Now()
	if !failed {
		c.reached = now
		return
	}
	c.troubled = now
	c.add(outage{now.Sub(c.reached), now})
}

// mostOutages is how many are remembered.
const mostOutages = 16

func (c *contact) add(o outage) {
	for len(c.outages) > 0 && c.outages[len(c.outages)-1].lasted <= o.lasted {
		c.outages = c.outages[:len(c.outages)-1]
	}
	if len(c.outages) < mostOutages {
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
