package setting

import (
	"bytes"
	"fmt"
)

// CheckOneDocument returns an error if a YAML job file has a second document, which would
// be ignored, and names the line where it starts. Documents without content do not count.
// Markers are found without parsing, because no content may have "---" or "..." at the
// start of a line (YAML 1.2.2, 9.1.2).
func CheckOneDocument(text []byte) error {
	documents, line := 0, 0
	within := false // inside a document that has content
	for row := range bytes.Lines(text) {
		line++
		row = bytes.TrimRight(row, "\r\n")
		if rest, ok := afterMarker(row); ok {
			within, row = false, rest
		}
		row = bytes.TrimLeft(row, " \t")
		if within || len(row) == 0 || row[0] == '#' || row[0] == '%' {
			continue
		}
		within = true
		if documents++; documents > 1 {
			return fmt.Errorf("[%d:1] a second document starts here: a file can have only one job: put each job into a file of its own", line)
		}
	}
	return nil
}

// afterMarker returns what follows the marker of a document in its line.
func afterMarker(row []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(row, []byte("---")) && !bytes.HasPrefix(row, []byte("...")) {
		return nil, false
	}
	rest = row[3:]
	return rest, len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
}
