package setting

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// CheckKeys checks the keys within the settings of a job file, such as those of a rule or a
// field. An unknown one is an error that says where it is, and suggests one that is known.
// It does not check the names of the settings themselves, nor any value.
func CheckKeys(text []byte) error {
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 {
		return nil // the decoder says what is wrong
	}
	known := keysOf(reflect.TypeFor[Values]())
	for _, setting := range pairsOf(file.Docs[0].Body) {
		name := setting.Key.GetToken().Value
		if kind, ok := known[name]; ok {
			if err := checkKeys(name, setting.Value, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkKeys checks the keys of a value at a path, which is decoded into a type.
func checkKeys(path string, value ast.Node, kind reflect.Type) error {
	if list, ok := bare(value).(*ast.SequenceNode); ok && kind.Kind() == reflect.Slice {
		for i, one := range list.Values {
			if err := checkKeys(fmt.Sprintf("%s[%d]", path, i), one, kind.Elem()); err != nil {
				return err
			}
		}
		return nil
	}
	for _, field := range pairsOf(value) {
		if err := checkField(path, field, kind); err != nil {
			return err
		}
	}
	return nil
}

// checkField checks a key of a mapping, and those of its value.
func checkField(path string, field *ast.MappingValueNode, kind reflect.Type) error {
	at := field.Key.GetToken()
	if field.Key.IsMergeKey() {
		return nil
	}
	within := rules.SettingAt(path, at.Value)
	switch kind.Kind() {
	case reflect.Map:
		return checkKeys(within, field.Value, kind.Elem())
	case reflect.Struct:
		known := keysOf(kind)
		if of, ok := known[at.Value]; ok {
			return checkKeys(within, field.Value, of)
		}
		if len(known) == 0 {
			return nil // a type that parses itself
		}
		names := namesIn(kind)
		return fmt.Errorf("[%d:%d] %s: unknown field %q%s: want any of %s", at.Position.Line, at.Position.Column, path,
			at.Value, plain.Suggest(at.Value, names), strings.Join(names, ", "))
	}
	return nil
}

// pairsOf returns the keys of a mapping with their values; none if the node is no mapping.
func pairsOf(node ast.Node) []*ast.MappingValueNode {
	switch node := bare(node).(type) {
	case *ast.MappingNode:
		return node.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}
	}
	return nil
}

// bare returns what an anchor or a tag is at.
func bare(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		default:
			return node
		}
	}
}

// keysOf returns the types of a struct's fields by their keys in YAML.
func keysOf(kind reflect.Type) map[string]reflect.Type {
	known := make(map[string]reflect.Type)
	for _, f := range reflect.VisibleFields(kind) {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" {
			known[key] = f.Type
		}
	}
	return known
}

// namesIn returns the keys of a struct, in their order.
func namesIn(kind reflect.Type) (names []string) {
	for _, f := range reflect.VisibleFields(kind) {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" && !slices.Contains(names, key) {
			names = append(names, key)
		}
	}
	return names
}
