package crawler

import "net/netip"

// Origin says how a job came into its fleet, as far as workers must know. The zero
// value is of a job that was created over the API or from a job file: it opens
// nothing, and any worker serves it.
type Origin struct {
	// Opens says that an operator began the job by naming its seeds on a command line
	// or in a program, and what he opened by that is kept with the job ([Opened]).
	Opens bool
	// Owner is the name of the only worker that may serve the job. "": any.
	Owner string
}

// Opened is what an operator opened to the connections of one job, besides what is
// public. It never opens the metadata services of clouds.
type Opened struct {
	Hosts    []Host         // wherever they resolve to, at their port
	Networks []netip.Prefix // such as 10.0.0.0/8
	Private  bool           // all private addresses
}

// Kept is where a worker keeps the pages of a job.
type Kept struct {
	Worker  string `json:"worker"`
	Machine string `json:"machine"`
	Where   string `json:"where"` // a folder of that machine, or the URL of a bucket
	Pages   int64  `json:"pages"` // that the worker's visits fetched, as far as they reported
}

// admits reports whether a worker may serve a job of this origin. A closed one that
// its own operator lets connect to all hosts of the job may do so, too, and is then
// counted among the servers of the job's queue.
func (o Origin) admits(p Process) bool {
	if o.Owner != "" {
		return o.Owner == p.Name
	}
	return !o.Opens || !p.Closed
}
