package setting

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Limits for a YAML text from a user: a job file, or a file of access rules. The decoder
// has no limits of its own: nesting takes it quadratic time, and aliases may multiply the
// content.
const (
	MaxYAML         = 16 << 20 // bytes
	maxYAMLItems    = 100_000  // newlines and commas, and what aliases stand for
	maxYAMLBrackets = 2000     // lists and maps in brackets
	maxYAMLDashes   = 32       // lists that start in one line
	maxYAMLIndent   = 512      // spaces
)

// CheckYAML returns an error if decoding a YAML text would take too much time or memory. It
// does not check whether the text is valid YAML.
func CheckYAML(text []byte) error {
	if len(text) > MaxYAML {
		return fmt.Errorf("it has %d bytes, at most %d are allowed: put seeds into a list in a separate file",
			len(text), MaxYAML)
	}
	if n := bytes.Count(text, []byte("\n")) + bytes.Count(text, []byte("\r")) +
		bytes.Count(text, []byte(",")); n > maxYAMLItems {
		return fmt.Errorf("it has %d lines and commas, at most %d are allowed: put seeds into a list in a separate file", n, maxYAMLItems)
	}
	if n := yamlBrackets(text); n > maxYAMLBrackets {
		return fmt.Errorf("%d lists and maps start with a bracket, at most %d are allowed: write each of their values on a line of its own", n, maxYAMLBrackets)
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if why := yamlNesting(line); why != "" {
			return fmt.Errorf("line %d: %s", number, why)
		}
	}
	return checkAliases(text)
}

// yamlBrackets counts the brackets that may start a list or a map. A bracket within a word,
// as in a URL or a selector, does not. So the count is at least the depth of nesting.
func yamlBrackets(text []byte) (n int) {
	last := byte('\n')
	for _, c := range text {
		if (c == '[' || c == '{') && (last <= ' ' || bytes.IndexByte([]byte(`[]{},:-?'"`), last) >= 0) {
			n++
		}
		last = c
	}
	return n
}

// yamlNesting says why a line may be nested too deeply; "" if it is not.
func yamlNesting(line []byte) string {
	text := bytes.TrimLeft(line, " ")
	if indent := len(line) - len(text); indent > maxYAMLIndent {
		return fmt.Sprintf("it starts with %d spaces, at most %d are allowed", indent, maxYAMLIndent)
	}
	dashes := 0
	for len(text) > 1 && (text[0] == '-' || text[0] == '?' || text[0] == ':') && (text[1] == ' ' || text[1] == '\t') {
		text = bytes.TrimLeft(text[1:], " \t")
		if dashes++; dashes > maxYAMLDashes {
			return fmt.Sprintf("more than %d lists start in it", maxYAMLDashes)
		}
	}
	return ""
}

// checkAliases returns an error if the aliases of a text stand for too much.
func checkAliases(text []byte) error {
	if bytes.IndexByte(text, '*') < 0 || bytes.IndexByte(text, '&') < 0 {
		return nil
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil // the decoder will report it
	}
	size := yamlSize{anchors: make(map[string]int)}
	for _, doc := range file.Docs {
		if size.of(doc.Body) > maxYAMLItems {
			return fmt.Errorf("its aliases expand to more than %d values: write them out instead", maxYAMLItems)
		}
	}
	return nil
}

// yamlSize counts the values of a text, with aliases expanded.
type yamlSize struct{ anchors map[string]int }

func (s yamlSize) of(node ast.Node) (n int) {
	switch v := node.(type) {
	case *ast.MappingNode:
		for _, field := range v.Values {
			n = min(n+s.of(field), maxYAMLItems+1)
		}
	case *ast.MappingValueNode:
		n = s.of(v.Key) + s.of(v.Value)
	case *ast.MappingKeyNode:
		n = s.of(v.Value)
	case *ast.SequenceNode:
		for _, value := range v.Values {
			n = min(n+s.of(value), maxYAMLItems+1)
		}
	case *ast.TagNode:
		n = s.of(v.Value)
	case *ast.AnchorNode:
		n = s.of(v.Value)
		s.anchors[v.Name.String()] = n
	case *ast.AliasNode:
		n = s.anchors[v.Value.String()]
	case nil:
		return 0
	}
	return min(n+1, maxYAMLItems+1)
}
