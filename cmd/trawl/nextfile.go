package main

import (
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml/ast"
)

// maxNextFiles is how many jobs may follow one another in files of their own.
const maxNextFiles = 16

// includeNext replaces the name of a file in on_done.job by the settings in it. The name is relative
// to the folder of the file that names it. path is the path of the file with the given content, and
// depth is how many files have led to it.
func includeNext(path string, body ast.Node, depth int) error {
	field := fieldOf(fieldValue(body, "on_done"), "job")
	if field == nil {
		return nil
	}
	name, ok := field.Value.(ast.ScalarNode)
	if !ok {
		return nil
	}
	file, ok := name.GetValue().(string)
	if !ok || file == "" {
		return nil // the decoder says what is wrong
	}
	if depth == maxNextFiles {
		return usage("on_done.job of %s: more than %d files lead to one another: give the last job no next one", path,
			maxNextFiles)
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(path), file)
	}
	reader, err := os.Open(file)
	if err != nil {
		return usage("on_done.job of %s: %v", path, err)
	}
	defer reader.Close()
	text, err := readMarked(reader)
	if err != nil {
		return usage("on_done.job of %s: %s: %v", path, file, err)
	}
	next, err := decodeBody("job file of on_done", file, text, new(settings), depth+1)
	if err != nil {
		return err
	}
	if next == nil {
		return usage("on_done.job of %s: the job file %s is empty: it has the settings of the next job", path, file)
	}
	field.Value = next
	return nil
}

// fieldValue returns the value of a field of a mapping; nil if it has none.
func fieldValue(mapping ast.Node, name string) ast.Node {
	if field := fieldOf(mapping, name); field != nil {
		return field.Value
	}
	return nil
}

// fieldOf returns a field of a mapping; nil if it has none.
func fieldOf(mapping ast.Node, name string) *ast.MappingValueNode {
	fields, ok := mapping.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, field := range fields.Values {
		if field.Key.GetToken().Value == name {
			return field
		}
	}
	return nil
}
