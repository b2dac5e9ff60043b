package dashboard

import (
	"net/http"

	"github.com/trawlcrawler/trawl/internal/waiting"
)

// fleetReport is the fleet as the API shows it.
type fleetReport struct {
	Jobs           map[string]int `json:"jobs"` // their number by state
	PagesPerSecond float64        `json:"pages_per_second"`
	Fetched        int64          `json:"fetched"` // pages of all jobs
	Waiting        int64          `json:"waiting"` // URLs of jobs that have not ended
	Workers        int            `json:"workers"`
	Schedulers     int            `json:"schedulers"`
	Places         int            `json:"places"` // visits that the workers can carry out at once
	Taken          int            `json:"taken"`  // places with a visit
	Redis          redisReport    `json:"redis"`
}

// redisReport is what Redis reports about itself. What it does not tell is zero.
type redisReport struct {
	Servers           int    `json:"servers"` // masters of a cluster; otherwise 1
	Version           string `json:"version"`
	Role              string `json:"role"`
	Memory            int64  `json:"memory"`     // bytes in use
	MaxMemory         int64  `json:"max_memory"` // bytes; 0 for no limit
	CommandsPerSecond int64  `json:"commands_per_second"`
	// Persistence says how the data is kept, and what is wrong with that.
	Persistence string  `json:"persistence"`
	Replicas    int     `json:"replicas"`
	LagSeconds  float64 `json:"lag_seconds"` // of the slowest replica
}

// report returns the numbers of the whole fleet.
func (o overview) report() fleetReport {
	v := o.vitals
	r := fleetReport{Jobs: make(map[string]int), Redis: redisReport{v.Servers, v.Version, v.Role, v.Memory, v.MaxMemory,
		v.CommandsPerSecond, v.Persistence, v.Replicas, v.Lag.Seconds()}}
	for _, sh := range o.sheets {
		r.Jobs[string(sh.State)]++
		if sh.PagesPerSecond != nil {
			r.PagesPerSecond += *sh.PagesPerSecond
		}
		if sh.Counters != nil && !ended(sh.State) {
			r.Waiting += sh.Counters.Waiting
		}
		r.Fetched += sh.pages()
	}
	for _, m := range o.members {
		if m.Kind == waiting.KindWorker {
			r.Workers, r.Taken, r.Places = r.Workers+1, r.Taken+m.Taken, r.Places+m.Places
		} else {
			r.Schedulers++
		}
	}
	return r
}

// showFleetReport responds with the numbers of the whole fleet.
func (d *Dashboard) showFleetReport(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	o, err := d.overview(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, o.report())
	return nil
}
