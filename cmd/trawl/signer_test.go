package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/identity"
)

// identityFile writes an identity file and returns its path.
func identityFile(t testing.TB) string {
	t.Helper()
	folder := identity.Folder(filepath.Join(t.TempDir(), "bot"))
	if _, err := folder.Create("https://bot.example", identity.Card{}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(string(folder), identity.FileKey)
}

func TestRequestsAreSignedAsTheSettingsSay(t *testing.T) {
	t.Parallel()
	path := identityFile(t)
	for text, want := range map[string]identity.Mode{
		"identity: " + path + "\n":                         identity.ModeAlways,
		"identity: " + path + "\nsign: when-asked\n":       identity.ModeWhenAsked,
		"identity: " + path + "\nsign: never\n":            identity.ModeNever,
		"identity: " + path + "\nsignature_form: string\n": identity.ModeAlways,
	} {
		s := resolveSettings(t, text)
		cfg, err := s.reach()
		if err != nil || cfg.Signer == nil || cfg.Sign != want {
			t.Errorf("%s: signer %v, mode %q, %v, want %q", text, cfg.Signer, cfg.Sign, err, want)
		}
		if !s.own() {
			t.Errorf("%s: other workers could make the requests unsigned", text)
		}
	}
	s := defaultSettings()
	if cfg, err := s.reach(); err != nil || cfg.Signer != nil {
		t.Errorf("without an identity: signer %v, %v, want none", cfg.Signer, err)
	}
}

func TestErrorsOfSigningSayWhatToDo(t *testing.T) {
	t.Parallel()
	path := identityFile(t)
	open := filepath.Join(t.TempDir(), "open.pem")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, text, 0o644); err != nil {
		t.Fatal(err)
	}
	public := filepath.Join(filepath.Dir(path), identity.FileDirectory)
	for _, test := range []struct{ file, sign, form, want string }{
		{"", "when-asked", "dictionary", "--identity"},
		{path, "often", "dictionary", `"often"`},
		{path, "always", "list", `"list"`},
		{"nowhere.pem", "always", "dictionary", "trawl identity new"},
		{open, "always", "dictionary", "chmod o-r"},
		{public, "always", "dictionary", "directory.json: no private key in PEM"},
	} {
		s := defaultSettings()
		s.Identity, s.Sign, s.SignatureForm = test.file, test.sign, test.form
		if _, err := s.reach(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want an error with %q", test, err, test.want)
		}
	}
}
