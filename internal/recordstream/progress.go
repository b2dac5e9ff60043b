package recordstream

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// progress says which records of one place were read. Its size does not grow with the output:
// of files that were read to their end it names only the last ones of each writer.
type progress struct {
	// Open has the files that were read in part, and up to where.
	Open map[string]output.Mark `json:"o,omitempty"`
	// Done lists files that were read to their end.
	Done []string `json:"d,omitempty"`
	// Past stands, by writer, for its files that were read to their end before those in
	// Done.
	Past map[string]past `json:"p,omitempty"`

	listed []string        // all files, in order; nil if the place was not read
	grows  map[string]bool // which of them are still written
}

// past stands for a writer's first files.
type past struct {
	Last  string `json:"l"` // the last of them
	Files int    `json:"n"`
}

// segmentLength is the length of the name of a segment that was shipped to a bucket, at the
// end of its writer's name: -20060102T150405-a1b2c3.
const segmentLength = len("-20060102T150405-") + 6

// writerOf returns the part of a file's name that all files of its writer share: what comes
// before the segment, if there is one, and the number of five digits or more.
func writerOf(name string) string {
	stem, digits := strings.TrimRight(name, "0123456789"), 5
	if len(name)-len(stem) < digits || !strings.HasSuffix(stem, "-") {
		return name
	}
	stem = strings.TrimSuffix(stem, "-")
	if at := len(stem) - segmentLength; at >= 0 && stem[at] == '-' && stem[at+9] == 'T' && stem[at+16] == '-' {
		stem = stem[:at]
	}
	return stem
}

// inOrder compares the names of two files: those of a writer are in the order in which they
// were begun. Numbers have five digits or more.
func inOrder(a, b string) int {
	return cmp.Or(cmp.Compare(writerOf(a), writerOf(b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// sees notes that a file exists. If it is listed under both of its names, it was finished in
// the meantime, and is read to its end the next time.
func (p *progress) sees(name string, grows bool) {
	if p.grows == nil {
		p.grows = make(map[string]bool)
	}
	p.grows[name] = p.grows[name] || grows
}

// check returns an error if a file arrived late among those that are not named one by one:
// then it cannot be told which one it is. names are all files, in order.
func (p *progress) check(names []string) error {
	p.listed = names
	count := make(map[string]int)
	for _, name := range names {
		if p.passed(name) {
			count[writerOf(name)]++
		}
	}
	for writer, n := range count {
		if late := n - p.Past[writer].Files; late > 0 {
			return fmt.Errorf("%w: %d files of writer %q arrived after later ones had been read: read the records again from the beginning",
				queue.ErrCursor, late, writer)
		}
	}
	return nil
}

// passed reports whether a file is not after those that Past stands for.
func (p *progress) passed(name string) bool {
	past, ok := p.Past[writerOf(name)]
	return ok && inOrder(name, past.Last) <= 0
}

// has reports whether a file was read to its end.
func (p *progress) has(name string) bool { return p.passed(name) || slices.Contains(p.Done, name) }

// reads notes up to where a file was read.
func (p *progress) reads(name string, at output.Mark) {
	if p.Open == nil {
		p.Open = make(map[string]output.Mark)
	}
	p.Open[name] = at
}

// ends notes that a file was read to its end.
func (p *progress) ends(name string) {
	delete(p.Open, name)
	p.Done = append(p.Done, name)
}

// Numbers of files that are named one by one: those that are about as old as others that may
// still be on their way to a bucket.
const (
	namedFiles  = 64 // of all writers together
	namedLatest = 2  // of each writer at least
)

// fold lets Past stand for the oldest files, if too many are named.
func (p *progress) fold() {
	if p.listed == nil {
		return
	}
	byWriter := make(map[string][]string)
	for _, name := range p.Done {
		byWriter[writerOf(name)] = append(byWriter[writerOf(name)], name)
	}
	keep := max(namedLatest, namedFiles/max(1, len(byWriter)))
	open := make(map[string]string) // by writer, its first file that was not read to its end
	for _, name := range slices.Backward(p.listed) {
		if !p.has(name) {
			open[writerOf(name)] = name
		}
	}
	p.Done = nil
	for writer, names := range byWriter {
		slices.SortFunc(names, inOrder)
		n := max(0, len(names)-keep)
		for n > 0 && open[writer] != "" && inOrder(names[n-1], open[writer]) > 0 {
			n--
		}
		if n > 0 {
			if p.Past == nil {
				p.Past = make(map[string]past)
			}
			p.Past[writer] = past{names[n-1], p.Past[writer].Files + n}
		}
		p.Done = append(p.Done, names[n:]...)
	}
	slices.SortFunc(p.Done, inOrder)
}
