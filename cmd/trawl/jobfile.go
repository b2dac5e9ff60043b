package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// readJob reads the job file of a path, or, of "-", that on standard input.
func readJob(path string, stdin io.Reader, s *settings) error {
	if path != "-" {
		return readJobFile(path, s)
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return usage("job file on standard input: %v", err)
	}
	return parseJobFile("on standard input", text, s)
}

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
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return usage("job file %s: %s", path, yaml.FormatError(err, false, true))
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil // says nothing
	}
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(s)
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	if named := nameField(file.Docs[0].Body); named != nil {
		return usage("job file %s: %v", path, named)
	}
	return usage("job file %s: %s", path, yaml.FormatError(err, false, true))
}

// nameField finds the field whose value does not fit. Errors of values that
// parse themselves, such as durations, do not say where they are.
func nameField(body ast.Node) error {
	mapping, ok := body.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, field := range mapping.Values {
		var alone settings
		err := yaml.Unmarshal([]byte(field.String()), &alone)
		if err == nil {
			continue
		}
		at, name := field.Key.GetToken().Position, field.Key.String()
		var unfit *yaml.TypeError
		switch {
		case errors.As(err, &unfit):
			at = field.Value.GetToken().Position
			return fmt.Errorf("[%d:%d] %s: %q is not a %s", at.Line, at.Column, name, field.Value.String(), kindName(unfit.DstType.Kind()))
		case !strings.HasPrefix(err.Error(), "["):
			return fmt.Errorf("[%d:%d] %s: %w", at.Line, at.Column, name, err)
		}
	}
	return nil
}

// kindName names what a field holds, for a person.
func kindName(kind reflect.Kind) string {
	switch kind {
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.Bool:
		return "truth value (write true or false)"
	case reflect.Slice:
		return "list"
	}
	return "text"
}
