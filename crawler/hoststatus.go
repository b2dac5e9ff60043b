package crawler

import "time"

// HostState is what becomes of a host of a job next.
type HostState string

// The states of hosts.
const (
	HostIdle  HostState = "idle"  // nothing waits there
	HostDue   HostState = "due"   // it waits for a visit, or for the time of one
	HostArmed HostState = "armed" // a visit is enqueued
	HostOpen  HostState = "open"  // a visit is under way
)

// HostStatus is what the frontier knows of one host of a job.
type HostStatus struct {
	Host     Host          `json:"host"`
	State    HostState     `json:"state"`
	Rules    HostRules     `json:"rules"`
	Pages    int64         `json:"pages"`   // fetched
	Seen     int64         `json:"seen"`    // URLs ever admitted
	Waiting  int64         `json:"waiting"` // URLs
	Flight   int64         `json:"flight"`  // URLs
	Strikes  int64         `json:"strikes"` // how often in a row it refused or was not reached
	Trouble  string        `json:"trouble"` // what it was, the last time
	Worker   string        `json:"worker"`  // that visits it
	Muted    []Muted       `json:"muted"`   // patterns of URLs that are left alone, when it was last visited
	Interval time.Duration `json:"-"`       // between requests, as last kept
	// Due is how long until a visit is due, for a host that waits for one and is
	// not paused.
	Due time.Duration `json:"-"`
}
