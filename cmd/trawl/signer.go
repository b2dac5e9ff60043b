package main

import (
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/trawlcrawler/trawl/internal/identity"
)

// signer returns the signer of requests, and when it signs; nil if there is no identity.
func (s *settings) signer() (*identity.Signer, identity.Mode, error) {
	mode, err := identity.ParseMode(s.Sign)
	if err != nil {
		return nil, "", usage("sign: %v", err)
	}
	if s.Identity == "" {
		if mode == identity.ModeWhenAsked {
			return nil, "", usage("sign: there is no key to sign with: name its file with --identity")
		}
		return nil, mode, nil
	}
	id, err := readIdentity(s.Identity)
	if err != nil {
		return nil, "", err
	}
	signer, err := identity.NewSigner(id, identity.AgentForm(s.SignatureForm))
	if err != nil {
		return nil, "", usage("signature-form: %v", err)
	}
	return signer, mode, nil
}

// readIdentity reads an identity file, which others must not be able to read.
func readIdentity(path string) (identity.Identity, error) {
	id, err := identity.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return id, usage("identity file: %v: create one with trawl identity new", err)
	} else if err != nil {
		return id, usage("identity file: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return id, usage("identity file: %v", err)
	}
	const others = 0o004
	if info.Mode()&others != 0 && runtime.GOOS != "windows" {
		return id, usage("identity file %s contains a private key and everyone can read it (mode %v): run chmod o-r on it",
			path, info.Mode().Perm())
	}
	return id, nil
}
