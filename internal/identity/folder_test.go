package identity

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// newFolder returns a folder with an identity.
func newFolder(t *testing.T) (Folder, Identity) {
	t.Helper()
	f := Folder(filepath.Join(t.TempDir(), "bot"))
	id, err := f.Create("https://Bot.example/", Card{ClientName: "Bot"})
	if err != nil {
		t.Fatal(err)
	}
	return f, id
}

// listed returns the IDs of the keys in the directory of a folder.
func listed(t *testing.T, f Folder) (ids []string) {
	t.Helper()
	text, err := os.ReadFile(f.path(FileDirectory))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDirectory(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range d.Keys {
		ids = append(ids, k.Kid)
	}
	return ids
}

func TestAFolderHasASecretKeyAndPublicFiles(t *testing.T) {
	t.Parallel()
	f, id := newFolder(t)
	for name, want := range map[string]fs.FileMode{
		FileKey: 0o600, FileDirectory: 0o644, FileHeaders: 0o644, FileCard: 0o644,
	} {
		info, err := os.Stat(f.path(name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if got := listed(t, f); !slices.Equal(got, []string{id.Key.ID()}) {
		t.Errorf("the directory lists %v, want %s", got, id.Key.ID())
	}
	text, err := os.ReadFile(f.path(FileCard))
	if err != nil {
		t.Fatal(err)
	}
	card, err := ParseCard(text)
	if err != nil || card.Check("https://bot.example"+CardPath) != nil || card.CheckAgent(id) != nil {
		t.Errorf("the card is %+v, %v", card, err)
	}
	if entries, err := os.ReadDir(string(f)); err != nil || len(entries) != 4 {
		t.Errorf("the folder has %v, %v, want 4 files", entries, err)
	}
}

func TestAnIdentityIsNotReplaced(t *testing.T) {
	t.Parallel()
	f, id := newFolder(t)
	if _, err := f.Create(agent, Card{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v, want %v", err, fs.ErrExist)
	}
	if got, err := f.Identities(); err != nil || len(got) != 1 || got[0].Key.ID() != id.Key.ID() {
		t.Errorf("Identities = %v, %v, want %v", got, err, id)
	}
}

func TestARotationListsBothKeysUntilTheOldOneIsDropped(t *testing.T) {
	t.Parallel()
	f, old := newFolder(t)
	if _, err := f.Drop(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Drop without a rotation: %v, want %v", err, fs.ErrNotExist)
	}
	next, err := f.Rotate()
	if err != nil || next.Key.ID() == old.Key.ID() || next.Agent != old.Agent {
		t.Fatalf("Rotate = %v, %v", next, err)
	}
	if got, want := listed(t, f), []string{next.Key.ID(), old.Key.ID()}; !slices.Equal(got, want) {
		t.Errorf("the directory lists %v, want %v", got, want)
	}
	if _, err := f.Rotate(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second rotation: %v, want %v", err, fs.ErrExist)
	}
	if got, err := f.Drop(); err != nil || got.Key.ID() != old.Key.ID() {
		t.Errorf("Drop = %v, %v, want %v", got, err, old)
	}
	if got := listed(t, f); !slices.Equal(got, []string{next.Key.ID()}) {
		t.Errorf("the directory lists %v, want %s", got, next.Key.ID())
	}
	if got, err := f.Identities(); err != nil || len(got) != 1 || got[0].Key.ID() != next.Key.ID() {
		t.Errorf("Identities = %v, %v, want %v", got, err, next)
	}
}

func TestAnInterruptedRotationIsFinished(t *testing.T) {
	t.Parallel()
	f, old := newFolder(t)
	if err := f.writeKey(FilePrevious, old); err != nil { // and then the process was killed
		t.Fatal(err)
	}
	next, err := f.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listed(t, f), []string{next.Key.ID(), old.Key.ID()}; !slices.Equal(got, want) {
		t.Errorf("the directory lists %v, want %v", got, want)
	}
}
