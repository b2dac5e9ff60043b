package crawler

// Counters are the numbers of a job. Reading them costs the same however large
// the job is. Of a job with several shards they are not of one moment.
type Counters struct {
	Seen    int64 `json:"seen"`    // URLs ever admitted
	Waiting int64 `json:"waiting"` // URLs in queues, with those to be tried again
	Flight  int64 `json:"flight"`  // URLs that visits have taken and not settled
	Hosts   int64 `json:"hosts"`   // hosts ever seen

	Due    int64 `json:"due"`   // hosts that wait for a visit
	Ready  int64 `json:"-"`     // of these, hosts that need not wait any longer
	Urgent int64 `json:"-"`     // of the ready ones, hosts with urgent URLs
	Armed  int64 `json:"armed"` // visits that are enqueued
	Open   int64 `json:"open"`  // visits that are under way

	Visits int64 `json:"visits"` // visits ever opened
	Broken int64 `json:"broken"` // visits whose worker was lost
	Bytes  int64 `json:"bytes"`  // of the bodies fetched
	// Nearer is how many pages came nearer to a seed after their links were admitted,
	// which are to be admitted again at the smaller depth; see [Job.DepthLimit].
	Nearer  int64 `json:"nearer,omitempty"`
	Lowered int64 `json:"-"` // how often a URL got a smaller depth
	// Incomplete is how many of the pages fetched lack a required field.
	Incomplete int64 `json:"incomplete"`
	// Garbage is how many keys, entries and tickets in Redis were not what they should
	// be and were set aside.
	Garbage int64 `json:"garbage,omitempty"`
	Over    int64 `json:"-"` // URLs left out because of a budget of their host

	// Unshipped is how many URLs are settled whose records are only on a worker's disk,
	// on their way to a bucket. If that worker does not come back they are fetched again.
	Unshipped int64 `json:"unshipped"`
	// OnDisk is the same of a job that is durable on disk: they are not fetched again.
	OnDisk int64 `json:"on_disk"`
	// Shipped is how many URLs are settled whose records have come to their bucket.
	Shipped int64 `json:"shipped"`
	// Reclaimed is how many were put back into their queues because their worker did not
	// come back, and Lost how many were not, since the job is durable on disk: they are
	// missing unless that disk returns.
	Reclaimed int64 `json:"reclaimed"`
	Lost      int64 `json:"lost"`

	// Known is how many URLs were seen before some of them were forgotten to be found
	// again; 0 when none ever was.
	Known int64 `json:"-"`

	Outcomes map[Outcome]int64 `json:"outcomes"`
}

// Pages is how many URLs were fetched.
func (c Counters) Pages() int64 { return c.Outcomes[OutcomeFetched] }

// Settled is how many URLs have their final outcome.
func (c Counters) Settled() int64 { return c.Seen - c.Waiting - c.Flight }

// Recorded is how many URLs are settled that have a record of their own in the output:
// all but those that another's record has, and those left out over a host's budget.
func (c Counters) Recorded() (sum int64) {
	for outcome, n := range c.Outcomes {
		if outcome.Final() && outcome != OutcomeFollowed {
			sum += n
		}
	}
	return sum - c.Over
}

// Idle reports whether no host is due, armed or open, and no page came nearer to a
// seed: nothing is left to do.
func (c Counters) Idle() bool { return c.Due+c.Armed+c.Open+c.Nearer == 0 }

// Out is how many visits are enqueued or under way.
func (c Counters) Out() int64 { return c.Armed + c.Open }
