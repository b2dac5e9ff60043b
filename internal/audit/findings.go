package audit

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/trawlcrawler/trawl/internal/plain"
)

// Findings is the result of an audit.
type Findings struct {
	Requests int64     `json:"requests"`
	First    time.Time `json:"first"` // when the first request was sent; zero if there isn't one
	Last     time.Time `json:"last"`

	Hosts     Gaps `json:"hosts"`
	Addresses Gaps `json:"addresses"`

	Robots struct {
		Obeyed    int64 `json:"obeyed"`    // requests that a robots.txt in the journal allows
		Forbidden int64 `json:"forbidden"` // requests that it forbids
		Unknown   int64 `json:"unknown"`   // requests without a robots.txt in the journal
		Asked     int64 `json:"asked"`     // requests for a robots.txt
		Ignored   int64 `json:"ignored"`   // requests of jobs that ignore robots.txt
	} `json:"robots"`

	RetryAfter struct {
		Asked   int64 `json:"asked"`   // answers with a Retry-After
		Ignored int64 `json:"ignored"` // requests that were sent before the end of one
	} `json:"retry_after"`

	Violations int64    `json:"violations"`
	Examples   []string `json:"examples"` // examples of violations

	// Damaged describes files that were truncated or changed, and lines that are not
	// requests. Everything else was read.
	Damaged []string `json:"damaged,omitempty"`
}

// maxExamples is the number of violations that are described in words.
const maxExamples = 20

func (f *Findings) violation(format string, args ...any) {
	f.Violations++
	if len(f.Examples) < maxExamples {
		f.Examples = append(f.Examples, fmt.Sprintf(format, args...))
	}
}

// Print writes the findings for a person, and the verdict last.
func (f *Findings) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "requests\t%d, from %s to %s\n", f.Requests,
		f.First.UTC().Format(time.RFC3339), f.Last.UTC().Format(time.RFC3339))
	fmt.Fprintf(t, "hosts\t%s; %s too small; the longest gap owed was %s\n",
		f.Hosts, plain.Plural(f.Hosts.TooSmall, "gap was", "gaps were"), f.Hosts.owed())
	fmt.Fprintf(t, "addresses\t%s\n", f.Addresses)
	r := f.Robots
	fmt.Fprintf(t, "robots.txt\t%s it allows, %d it forbids, %d without it; %d for it; "+
		"%d of jobs that ignore it\n",
		plain.Plural(r.Obeyed, "request", "requests"), r.Forbidden, r.Unknown, r.Asked, r.Ignored)
	fmt.Fprintf(t, "Retry-After\t%d asked for, %d not kept\n", f.RetryAfter.Asked, f.RetryAfter.Ignored)
	if err := t.Flush(); err != nil {
		return err
	}
	if err := errors.Join(f.Hosts.print(w, "host"), f.Addresses.print(w, "address")); err != nil {
		return err
	}
	for _, damaged := range f.Damaged {
		fmt.Fprintln(w, "damaged:", damaged)
	}
	for _, example := range f.Examples {
		fmt.Fprintln(w, "violation:", example)
	}
	verdict := "no violation"
	if f.Violations > 0 {
		verdict = plain.Plural(f.Violations, "violation", "violations")
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
