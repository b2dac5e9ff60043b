package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/textform"
)

// readJob reads the job file at path, or from standard input if path is "-".
func readJob(path string, stdin io.Reader, s *settings) error {
	if path != "-" {
		return readJobFile(path, s)
	}
	text, err := readMarked(stdin)
	if err != nil {
		return usage("job file on standard input: %v", err)
	}
	return parseJobFile("on standard input", text, s)
}

// sharesStdin returns an error if both the job file and an argument would be read from
// standard input.
func (s *settings) sharesStdin(args []string) error {
	if s.file == "-" && slices.Contains(args, "-") {
		return usage("standard input can be read only once: name a file for the job file (-f) or for the argument -")
	}
	return nil
}

// readJobFile reads a job file into the settings. It is strict: an unknown field, a value
// of the wrong type or a second document is an error that names the line.
func readJobFile(path string, s *settings) error {
	file, err := os.Open(path)
	if err != nil {
		return usage("job file: %v", err)
	}
	defer file.Close()
	text, err := readMarked(file)
	if err != nil {
		return usage("job file %s: %v", path, err)
	}
	return parseJobFile(path, text, s)
}

// readMarked reads a text, without the byte order mark that it may start with (YAML 1.2.2,
// 5.2).
func readMarked(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(r)
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

func parseJobFile(path string, text []byte, s *settings) error {
	found, err := decodeFile("job file", path, text, s)
	if err != nil {
		return err
	}
	for key, line := range found {
		if s.origins != nil {
			s.origins[key] = fmt.Sprintf("%s:%d", path, line)
		}
	}
	return nil
}

// decodeFile decodes a YAML file of settings. It returns the lines of the keys that it has.
func decodeFile(kind, path string, text []byte, s *settings) (found map[string]int, err error) {
	s.source = source{path, text}
	body, err := decodeBody(kind, path, text, s, 0)
	if err != nil || body == nil {
		return nil, err
	}
	return keysOf(body)
}

// decodeBody is decodeFile for a job file that other files led to, depth of them, each naming the
// next in its on_done. It returns the content of the file, with the settings of later jobs in place
// of the names of their files; nil for an empty file.
func decodeBody(kind, path string, text []byte, s *settings, depth int) (ast.Node, error) {
	if err := setting.CheckYAML(text); err != nil {
		return nil, usage("%s %s: %v", kind, path, err)
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, usage("%s %s: %s", kind, path, yaml.FormatError(err, false, true))
	}
	if err := setting.CheckOneDocument(text); err != nil {
		return nil, usage("%s %s: %v", kind, path, err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, nil // an empty file
	}
	body := file.Docs[0].Body
	if _, err = keysOf(body); err != nil {
		return nil, usage("%s %s: %v", kind, path, err)
	}
	if err := setting.CheckKeys(text); err != nil {
		return nil, usage("%s %s: %v", kind, path, err)
	}
	if err := includeNext(path, body, depth); err != nil {
		return nil, err
	}
	settings, keep := textform.Form(&s.Values)
	err = yaml.NodeToValue(body, settings, yaml.Strict())
	keep()
	if err == nil || errors.Is(err, io.EOF) {
		return body, nil
	}
	if named := nameField(body); named != nil {
		return nil, usage("%s %s: %v", kind, path, named)
	}
	return nil, usage("%s %s: %s", kind, path, yaml.FormatError(err, false, true))
}

// keysOf returns the lines of the keys at the top of a file. A key that is not a setting is
// an error that suggests one that is.
func keysOf(body ast.Node) (map[string]int, error) {
	mapping, ok := body.(*ast.MappingNode)
	if !ok {
		return nil, nil // the decoder says what is wrong
	}
	found := make(map[string]int)
	for _, field := range mapping.Values {
		at := field.Key.GetToken()
		if field.Key.IsMergeKey() {
			continue
		}
		if _, ok := setting.Lookup(at.Value); !ok {
			return nil, fmt.Errorf("[%d:%d] unknown field %q%s: trawl init lists all settings",
				at.Position.Line, at.Position.Column, at.Value,
				plain.Suggest(at.Value, setting.Names(^setting.Place(0))))
		}
		found[at.Value] = at.Position.Line
	}
	return found, nil
}

// source is the text of a job file. The zero value is no file.
type source struct {
	path string
	text []byte
}

// locate adds the file and the line of a setting to an error about it.
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

// parentOf drops the last part of a path. In the short form of a setting, the part is not
// there.
func parentOf(path string) string {
	if end := strings.LastIndexAny(path, ".["); end > 0 {
		return path[:end]
	}
	return ""
}

// nameField finds the field with the wrong value. Errors of types that parse themselves,
// such as durations, do not say where the value is.
func nameField(body ast.Node) error {
	mapping, ok := body.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, field := range mapping.Values {
		alone, _ := textform.Form(new(setting.Values))
		err := yaml.Unmarshal([]byte(field.String()), alone)
		if err == nil {
			continue
		}
		at, name := field.Key.GetToken().Position, field.Key.String()
		var unfit *yaml.TypeError
		switch {
		case errors.As(err, &unfit):
			at = field.Value.GetToken().Position
			return fmt.Errorf("[%d:%d] %s: %q is not a %s", at.Line, at.Column, name, field.Value.String(),
				kindName(unfit.DstType.Kind()))
		case !strings.HasPrefix(err.Error(), "["):
			return fmt.Errorf("[%d:%d] %s: %w", at.Line, at.Column, name, err)
		}
	}
	return nil
}

// kindName returns a name for what a field holds.
func kindName(kind reflect.Kind) string {
	switch kind {
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.Bool:
		return "boolean (write true or false)"
	case reflect.Slice:
		return "list"
	}
	return "text"
}
