package sink

import (
	"errors"
	"io/fs"
	"net/http"
	"path"
)

// place gives an unfinished file of the output folder its final name. It makes the folder of
// that name if it is missing, and once more if it vanishes meanwhile.
func (s *subfolders) place(draft, name string) error {
	err := s.rename(draft, name)
	if !errors.Is(err, fs.ErrNotExist) { // most files go to folders that exist
		return err
	}
	s.forget(path.Dir(name))
	if err := s.in.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return s.rename(draft, name)
}

// date sets the modification time of an unfinished file to the one that its server reported. It
// ignores dates that cannot be parsed or that the file system cannot store.
func (s *subfolders) date(draft, lastModified string) {
	if lastModified == "" {
		return
	}
	if t, err := http.ParseTime(lastModified); err == nil {
		_ = s.chtimes(draft, t)
	}
}
