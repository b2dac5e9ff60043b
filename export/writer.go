package export

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Writer writes records in one form. Records come one after the other.
type Writer interface {
	Write(*Record) error
	// Close ends what was written. It does not close the draft.
	Close() error
}

// aborter is a writer that has something to let go of when it is not closed,
// because what it has written is not wanted any more.
type aborter interface{ abort() error }

// Form is a form that records can be had in.
type Form struct {
	// Name is what the user calls it.
	Name string

	// Binary says that the form is not for reading on a terminal.
	Binary bool

	folder bool // it is written to a folder, and to nothing else
	file   bool // it is written to a file, and to nothing else
	either bool // it is a stream, or a folder
	bodies bool // it is made of the bodies that were kept, where there are some
	whole  bool // it has what it has: fields can not be chosen
	ends   []string
	open   func(*Draft, Order) (Writer, error)
}

// Forms are those that there are.
var Forms = []Form{
	{Name: "jsonl", ends: []string{".jsonl", ".ndjson", ".json"}, open: newJSONL},
	{Name: "csv", ends: []string{".csv"}, open: newCSV},
	{Name: "parquet", Binary: true, ends: []string{".parquet"}, open: newParquet},
	{Name: "sqlite", ends: []string{".sqlite", ".sqlite3", ".db"}, file: true, open: newSQLite},
	{Name: "markdown", ends: []string{".md", ".markdown"}, either: true, bodies: true, whole: true, open: newMarkdown},
	{Name: "warc", Binary: true, ends: []string{".warc"}, whole: true, open: newWARC},
	{Name: "mirror", folder: true, bodies: true, whole: true, open: newMirror},
}

// FormNames lists the names of the forms.
func FormNames() []string {
	var names []string
	for _, f := range Forms {
		names = append(names, f.Name)
	}
	return names
}

// ParseForm finds a form by its name, or, where that is "", by how the name of
// the file ends that is to be written. Without either it is jsonl.
func ParseForm(name, to string) (Form, error) {
	if name == "" && to == "" {
		name = "jsonl"
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(to)), ".zst"), ".gz")
	for _, f := range Forms {
		ends := func(end string) bool {
			return strings.HasSuffix(bare, end) || strings.HasSuffix(strings.ToLower(to), end)
		}
		if f.Name == name || name == "" && slices.ContainsFunc(f.ends, ends) {
			return f, nil
		}
	}
	if name == "" {
		return Form{}, fmt.Errorf("%q does not tell the form: name one of %s", to, strings.Join(FormNames(), ", "))
	}
	return Form{}, fmt.Errorf("%q is no form: name one of %s", name, strings.Join(FormNames(), ", "))
}

// draft begins what the form is written to.
func (f Form) draft(o Order) (*Draft, error) {
	switch {
	case o.To == "" && (f.folder || f.file):
		return nil, fmt.Errorf("%w: %s is not written to standard output: name a file or folder with --to", ErrOrder, f.Name)
	case o.To == "":
		return NewStream(o.Out), nil
	case f.folder || f.either && !f.named(o.To):
		return NewFolder(o.To, o.Replace)
	}
	return NewFile(o.To, o.Replace)
}

// named reports whether a path ends as files of the form do.
func (f Form) named(path string) bool {
	path = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(path), ".zst"), ".gz")
	return slices.ContainsFunc(f.ends, func(end string) bool { return strings.HasSuffix(path, end) })
}
