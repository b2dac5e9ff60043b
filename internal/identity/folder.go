package identity

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files of a [Folder].
const (
	// FileKey is the identity file, a secret.
	FileKey = "key.pem"
	// FilePrevious is the identity file before the last rotation, until its key is dropped.
	FilePrevious = "previous.pem"
	// FileDirectory is the directory, to be published at DirectoryPath.
	FileDirectory = "directory.json"
	// FileHeaders has the headers to serve the directory with, one a line.
	FileHeaders = "directory.headers"
	// FileCard is the card, to be published at its client_id.
	FileCard = "card.json"
)

const (
	secretMode = 0o600
	publicMode = 0o644
)

// headersLife is how long the signatures in FileHeaders are valid. They last long, because static
// files are not signed again for each request.
const headersLife = 365 * 24 * time.Hour

// Folder is a folder with an identity and what its agent publishes. Its methods must not be called
// at the same time for one folder.
type Folder string

// path returns the path of a file.
func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// Create writes a new identity for an agent and its public files, with a card that says what card
// says; its client_id and keys are filled in. It creates the folder if it does not exist. The error
// wraps [fs.ErrExist] if one of the files exists, and then nothing is written.
func (f Folder) Create(agent string, card Card) (Identity, error) {
	agent, err := ParseAgent(agent)
	if err != nil {
		return Identity{}, err
	}
	key, err := NewKey()
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Key: key, Agent: agent}
	if err := f.empty(); err != nil {
		return id, err
	}
	if err := os.MkdirAll(string(f), 0o755); err != nil {
		return id, err
	}
	card.ClientID, card.JWKS, card.JWKSURI = agent+CardPath, nil, agent+DirectoryPath
	text, err := document(card)
	if err != nil {
		return id, err
	}
	if err := f.writeKey(FileKey, id); err != nil {
		return id, err
	}
	return id, errors.Join(f.write(FileCard, text), f.publish(id))
}

// empty returns an error that wraps fs.ErrExist if a file of an identity exists.
func (f Folder) empty() error {
	for _, name := range []string{FileKey, FilePrevious, FileDirectory, FileHeaders, FileCard} {
		if _, err := os.Lstat(f.path(name)); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(err, &fs.PathError{Op: "create", Path: f.path(name), Err: fs.ErrExist})
		}
	}
	return nil
}

// Identities returns the identity that signs, and after it the one before the last rotation if it
// has not been dropped.
func (f Folder) Identities() ([]Identity, error) {
	current, err := ReadFile(f.path(FileKey))
	if err != nil {
		return nil, err
	}
	previous, err := ReadFile(f.path(FilePrevious))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && previous.Key.ID() == current.Key.ID():
		return []Identity{current}, nil // a rotation that was interrupted leaves the same key twice
	case err != nil:
		return nil, err
	}
	return []Identity{current, previous}, nil
}

// Rotate makes a new key, which signs from now on. The directory also lists the previous key, which
// is kept in FilePrevious. The error wraps [fs.ErrExist] if the key of an earlier rotation has not
// been dropped. A rotation that was interrupted is finished by the next call.
func (f Folder) Rotate() (Identity, error) {
	all, err := f.Identities()
	if err != nil {
		return Identity{}, err
	}
	old := all[0]
	if len(all) > 1 {
		return Identity{}, &fs.PathError{Op: "rotate", Path: f.path(FilePrevious), Err: fs.ErrExist}
	}
	key, err := NewKey()
	if err != nil {
		return Identity{}, err
	}
	id := Identity{Key: key, Agent: old.Agent}
	if err := f.writeKey(FilePrevious, old); err != nil {
		return id, err
	}
	if err := f.publish(id, old); err != nil {
		return id, err
	}
	return id, f.writeKey(FileKey, id)
}

// Drop ends a rotation: it removes the previous key, and the directory lists only the key that
// signs. The error wraps [fs.ErrNotExist] if there is no previous key.
func (f Folder) Drop() (Identity, error) {
	all, err := f.Identities()
	if err != nil {
		return Identity{}, err
	}
	if len(all) < 2 {
		return all[0], &fs.PathError{Op: "drop", Path: f.path(FilePrevious), Err: fs.ErrNotExist}
	}
	if err := f.publish(all[0]); err != nil {
		return all[1], err
	}
	return all[1], os.Remove(f.path(FilePrevious))
}

// Renew signs the headers of the directory again, for another year.
func (f Folder) Renew() error {
	all, err := f.Identities()
	if err != nil {
		return err
	}
	return f.publish(all...)
}

// publish writes the directory of identities, and its headers.
func (f Folder) publish(all ...Identity) error {
	keys := make([]Key, len(all))
	for i, id := range all {
		keys[i] = id.Key
	}
	text, err := document(NewDirectory(keys...))
	if err != nil {
		return err
	}
	h, err := SignDirectory(all[0].Agent, time.Now().Add(headersLife), keys...)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, name := range []string{"Content-Type", HeaderSignatureInput, HeaderSignature} {
		lines.WriteString(name + ": " + h.Get(name) + "\n")
	}
	return errors.Join(f.write(FileDirectory, text), f.write(FileHeaders, []byte(lines.String())))
}

// ReadHeaders reads headers, one a line, as they are in FileHeaders. The error names the file.
func ReadHeaders(path string) (http.Header, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = append(bytes.TrimRight(text, "\r\n"), "\n\n"...)
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(text))).ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return http.Header(h), nil
}

// ReadFile reads an identity file. The error names the file, and never quotes the key.
func ReadFile(path string) (Identity, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, err
	}
	id, err := Parse(text)
	if err != nil {
		return id, fmt.Errorf("%s: %w", path, err)
	}
	return id, nil
}

func (f Folder) writeKey(name string, id Identity) error {
	text, err := id.PEM()
	if err != nil {
		return err
	}
	return f.replace(name, text, secretMode)
}

func (f Folder) write(name string, text []byte) error { return f.replace(name, text, publicMode) }

// replace replaces a file as a whole: a reader sees the old one or the new one.
func (f Folder) replace(name string, text []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(string(f), "."+name+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it is renamed
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), f.path(name))
}

// document returns JSON for people and programs.
func document(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return slices.Concat(text, []byte("\n")), err
}
