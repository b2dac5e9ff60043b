package crawler

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// HostRules are what an operator decides about one host of a job, also while it
// runs. The zero value decides nothing.
type HostRules struct {
	// Paused lets no request be made to the host. Its URLs wait, and the job
	// with them.
	Paused bool `json:"paused"`
	// Delay is the least time between the starts of two requests to the host,
	// instead of the job's. Nil: the job's.
	Delay *Duration `json:"delay"`
	// Pages bounds the pages fetched from the host, instead of the job's
	// pages_per_host. 0: the job's.
	Pages int64 `json:"pages"`
	// Ask are patterns of URLs, as [Muted] names them, that are asked for even if
	// they look like a trap.
	Ask []string `json:"ask,omitempty"`
}

// Validate returns the first rule that is out of range, with its value.
func (r HostRules) Validate() error {
	switch {
	case r.Delay != nil && *r.Delay < 0:
		return fmt.Errorf("delay: %s is out of range: want 0 or more", *r.Delay)
	case r.Pages < 0:
		return fmt.Errorf("budget: %d is out of range: want 0 (the job's) or more", r.Pages)
	}
	for _, p := range r.Ask {
		if p == "" || strings.ContainsAny(p, " \t\n") {
			return fmt.Errorf("ask: %q is no pattern of URLs, as trawl host show lists them", p)
		}
	}
	return nil
}

// unset stands for a rule that decides nothing.
const unset = "-"

// Pack writes r as the frontier stores it: "" when it decides nothing. The first
// byte is 1 when the host is paused, so that a script can tell.
func (r HostRules) Pack() string {
	if !r.Paused && r.Delay == nil && r.Pages == 0 && len(r.Ask) == 0 {
		return ""
	}
	paused, delay := "0", unset
	if r.Paused {
		paused = "1"
	}
	if r.Delay != nil {
		delay = strconv.FormatInt(time.Duration(*r.Delay).Milliseconds(), 10)
	}
	fields := []string{paused, delay, strconv.FormatInt(r.Pages, 10)}
	return strings.Join(append(fields, r.Ask...), " ")
}

// UnpackHostRules reads what Pack wrote.
func UnpackHostRules(s string) (HostRules, error) {
	if s == "" {
		return HostRules{}, nil
	}
	var r HostRules
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return HostRules{}, fmt.Errorf("%q are no rules of a host", clip(s))
	}
	r.Paused = fields[0] == "1"
	if fields[1] != unset {
		ms, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return HostRules{}, fmt.Errorf("%q are no rules of a host: %w", clip(s), err)
		}
		d := Duration(time.Duration(ms) * time.Millisecond)
		r.Delay = &d
	}
	if len(fields) > 3 {
		r.Ask = fields[3:]
	}
	var err error
	if r.Pages, err = strconv.ParseInt(fields[2], 10, 64); err != nil {
		return HostRules{}, fmt.Errorf("%q are no rules of a host: %w", clip(s), err)
	}
	return r, nil
}
