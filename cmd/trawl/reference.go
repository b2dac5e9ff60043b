package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// references matches references to values that are kept elsewhere: ${NAME} for an
// environment variable, and ${file:PATH} for the content of a file, without its final
// newline. $${ stands for ${ itself.
var references = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// expand replaces the references in a text. Paths are relative to folder. write encodes a
// value for the text. The error names the references that could not be resolved.
func expand(text, folder string, write func(string) string) (string, error) {
	var missing error
	expanded := references.ReplaceAllStringFunc(text, func(reference string) string {
		if strings.HasPrefix(reference, "$$") {
			return reference[1:]
		}
		name := reference[2 : len(reference)-1]
		value, err := refer(name, folder)
		missing = errors.Join(missing, err)
		return write(value)
	})
	return expanded, missing
}

// refer returns the value of a reference.
func refer(name, folder string) (string, error) {
	path, isFile := strings.CutPrefix(name, "file:")
	if !isFile {
		value, ok := os.LookupEnv(name)
		if !ok || value == "" {
			return "", fmt.Errorf("${%s}: the environment variable %s is not set, or empty", name, name)
		}
		return value, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("${%s}: %w", name, err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if value == "" {
		return "", fmt.Errorf("${%s}: the file is empty", name)
	}
	return value, nil
}

func asIs(s string) string { return s }

// escapeLogin encodes a user name or a password for a URL.
func escapeLogin(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// readAuthorities reads the certificates in a PEM file.
func readAuthorities(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	var found []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("ca: %s: %w", path, err)
		}
		found = append(found, certificate)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("ca: %s contains no certificate in PEM format", path)
	}
	return found, nil
}
