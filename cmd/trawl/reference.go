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

// references stand for what is kept elsewhere: ${NAME} for a variable of the
// environment, ${file:PATH} for what a file has, without its last line end. $${ is
// ${ itself.
var references = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

// expand replaces the references in a text. Files are relative to folder; write
// puts what was found into the text. The error names what is not to be found.
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

// refer returns what a reference stands for.
func refer(name, folder string) (string, error) {
	path, isFile := strings.CutPrefix(name, "file:")
	if !isFile {
		value, ok := os.LookupEnv(name)
		if !ok || value == "" {
			return "", fmt.Errorf("${%s}: there is no %s in the environment, or it is empty", name, name)
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

// escapeLogin writes a user name or a password as it stands in a URL.
func escapeLogin(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// readAuthorities reads the certificates of a file in PEM.
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
		return nil, fmt.Errorf("ca: %s has no certificate in PEM", path)
	}
	return found, nil
}
