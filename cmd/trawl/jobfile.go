package main

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/goccy/go-yaml"
)

// readJobFile reads a job file over the settings. It is strict: a field that it
// does not know, or a value that does not fit, is an error with its line.
func readJobFile(path string, s *settings) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return usage("job file: %v", err)
	}
	return parseJobFile(path, text, s)
}

func parseJobFile(path string, text []byte, s *settings) error {
	err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(s)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	return usage("job file %s: %s", path, yaml.FormatError(err, false, true))
}
