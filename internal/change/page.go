package change

import (
	"fmt"
	"strings"
)

// Page is one page with what came of it.
type Page struct {
	Class Class  `json:"change"`
	URL   string `json:"url"`
	// To is the new URL of a page that has moved.
	To string `json:"to,omitempty"`
	// Before and After are the states of the page: "200", "404", an outcome, or "" for a
	// URL that was not found. If they are equal, the content differs.
	Before string `json:"before"`
	After  string `json:"after"`
	// Digest is the digest of the body, or of the last body of a page that is gone; ""
	// for none.
	Digest string `json:"digest,omitempty"`
	// Text is what differs in the text, as a unified diff; "" if it was not asked for, or is
	// not known.
	Text string `json:"text,omitempty"`
	// Title is the title of the page, and FetchedAt when its change was found (RFC 3339,
	// milliseconds, UTC); "" in a comparison of two crawls.
	Title     string `json:"title,omitempty"`
	FetchedAt string `json:"fetched_at,omitempty"`
	// Job is the job, of a periodic one the run, that found it; "" in a comparison.
	Job string `json:"job,omitempty"`
}

// String returns the change as one line: what changed, the page, and how. A text follows in lines
// of its own, each indented.
func (p Page) String() string {
	var how string
	switch {
	case p.Class == Moved:
		how = "→ " + p.To
	case p.Class == Changed && p.Before == p.After:
		how = "content"
	case p.Class == Changed:
		how = p.Before + " → " + p.After
	case p.Class == Gone && p.After == "":
		how = "not met"
	case p.Class == Gone:
		how = p.After
	case p.Before != "":
		how = "was " + p.Before
	}
	line := strings.TrimRight(fmt.Sprintf("%-8s %s  %s", p.Class, p.URL, how), " ")
	if p.Text == "" {
		return line
	}
	return line + "\n    " + strings.ReplaceAll(strings.TrimSuffix(p.Text, "\n"), "\n", "\n    ")
}
