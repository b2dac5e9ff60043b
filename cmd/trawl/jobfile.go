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

	"github.com/trawlcrawler/trawl/crawler"
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
	s.source = source{path, text}
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

// source is a job file as it was read. The zero value is none.
type source struct {
	path string
	text []byte
}

// locate words an error of a setting by the line that it has in the file.
func (f source) locate(err error) string {
	var setting *crawler.SettingError
	if len(f.text) == 0 || !errors.As(err, &setting) {
		return err.Error()
	}
	file, broken := parser.ParseBytes(f.text, 0)
	if broken != nil {
		return err.Error()
	}
	for path := setting.Path; path != ""; path = parentOf(path) {
		at, broken := yaml.PathString("$." + path)
		if broken != nil {
			continue
		}
		if node, broken := at.FilterFile(file); broken == nil && node.GetToken() != nil {
			pos := node.GetToken().Position
			return fmt.Sprintf("job file %s: [%d:%d] %v", f.path, pos.Line, pos.Column, err)
		}
	}
	return err.Error()
}

// parentOf drops the last part of a path: what is written in short has no more.
func parentOf(path string) string {
	if end := strings.LastIndexAny(path, ".["); end > 0 {
		return path[:end]
	}
	return ""
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
