package export

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Writer writes records in one form, one after another.
type Writer interface {
	Write(*Record) error
	// Close ends the output. It does not close the draft.
	Close() error
}

// aborter is a writer that holds resources to release if it is not closed because the
// export failed.
type aborter interface{ abort() error }

// Form is a form in which records can be exported.
type Form struct {
	// Name is the name that the user writes.
	Name string

	// Binary says that the form is not readable on a terminal.
	Binary bool

	folder bool // it is only written to a folder
	file   bool // it is only written to a file
	either bool // it is written to a stream or a folder
	bodies bool // it is made from the kept bodies, if there are any
	whole  bool // fields cannot be chosen
	ends   []string
	ready  func() error // reports what this program lacks for the form; nil if it lacks nothing
	open   func(*draft, Order) (Writer, error)
}

// forms lists the forms.
var forms = []Form{
	{Name: "jsonl", ends: []string{".jsonl", ".ndjson", ".json"}, open: newJSONL},
	{Name: "csv", ends: []string{".csv"}, open: newCSV},
	{Name: "parquet", Binary: true, ends: []string{".parquet"}, open: newParquet},
	{Name: "sqlite", ends: []string{".sqlite", ".sqlite3", ".db"}, file: true, ready: hasSQLite, open: newSQLite},
	{Name: "markdown", ends: []string{".md", ".markdown"}, either: true, bodies: true, whole: true, open: newMarkdown},
	{Name: "warc", Binary: true, ends: []string{".warc"}, whole: true, open: newWARC},
	{Name: "wacz", Binary: true, ends: []string{".wacz"}, whole: true, open: newWACZ},
	{Name: "wet", Binary: true, ends: []string{".warc.wet"}, whole: true, open: newWET},
	{Name: "wat", Binary: true, ends: []string{".warc.wat"}, whole: true, open: newWAT},
	{Name: "cc-index", folder: true, whole: true, open: newURLIndex},
	{Name: "mirror", folder: true, bodies: true, whole: true, open: newMirror},
}

// FormNames lists the names of the forms.
func FormNames() []string {
	var names []string
	for _, f := range forms {
		names = append(names, f.Name)
	}
	return names
}

// ParseForm finds a form by its name or, if name is "", by the ending of the file name
// to. If both are "", the form is jsonl.
func ParseForm(name, to string) (Form, error) {
	if name == "" && to == "" {
		name = "jsonl"
	}
	bare := strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(to)), ".zst"), ".gz")
	for _, f := range forms {
		ends := func(end string) bool {
			return strings.HasSuffix(bare, end) || strings.HasSuffix(strings.ToLower(to), end)
		}
		if f.Name == name || name == "" && slices.ContainsFunc(f.ends, ends) {
			return f, nil
		}
	}
	if name == "" {
		return Form{}, fmt.Errorf("%q does not tell the form: want one of %s", to, strings.Join(FormNames(), ", "))
	}
	return Form{}, fmt.Errorf("unknown form %q: want one of %s", name, strings.Join(FormNames(), ", "))
}

// draft begins the file, folder or stream that the form is written to, if this program can
// write the form.
func (f Form) draft(o Order) (*draft, error) {
	if f.ready != nil {
		if err := f.ready(); err != nil {
			return nil, err
		}
	}
	switch {
	case o.To == "" && (f.folder || f.file):
		return nil, fmt.Errorf("%w: %s is not written to standard output: name a file or folder with --to", ErrOrder,
			f.Name)
	case o.To == "":
		return newStream(o.Out), nil
	case f.folder || f.either && !f.named(o.To):
		return newFolder(o.To, o.Replace)
	}
	return newFile(o.To, o.Replace)
}

// named reports whether a path has an extension of the form.
func (f Form) named(path string) bool {
	path = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(path), ".zst"), ".gz")
	return slices.ContainsFunc(f.ends, func(end string) bool { return strings.HasSuffix(path, end) })
}
