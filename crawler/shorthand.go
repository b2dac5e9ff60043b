package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ParseField reads the short form of a field: "css" is the text of what it selects,
// "css@attribute" an attribute. An "@" inside of brackets or quotes belongs to the
// selector.
func ParseField(short string) Field {
	at := lastAt(short)
	if at < 0 {
		return Field{CSS: short}
	}
	attribute := strings.TrimSpace(short[at+1:])
	if !attributeName.MatchString(attribute) {
		return Field{CSS: short} // which is no selector
	}
	return Field{CSS: strings.TrimSpace(short[:at]), Attr: strings.ToLower(attribute)}
}

// lastAt finds the last "@" outside of brackets and quotes, or -1.
func lastAt(css string) int {
	at, depth, quote := -1, 0, byte(0)
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case c == '@' && depth == 0:
			at = i
		}
	}
	return at
}

// plainField is a field without its short form.
type plainField Field

// UnmarshalYAML reads a field, or its short form.
func (f *Field) UnmarshalYAML(unmarshal func(any) error) error {
	var short string
	if unmarshal(&short) == nil {
		*f = ParseField(short)
		return nil
	}
	return unmarshal((*plainField)(f))
}

// UnmarshalJSON reads a field, or its short form. A key that it does not know is an
// error: to leave it out would be to read something else.
func (f *Field) UnmarshalJSON(text []byte) error {
	var short string
	if json.Unmarshal(text, &short) == nil {
		*f = ParseField(short)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plainField)(f))
}

// SettingError is a setting of a job that can not be used.
type SettingError struct {
	// Path is where the setting is in a job file: "extract[0].fields.price.regex". A
	// key that is no plain word stands in single quotes.
	Path   string
	Reason string // with the value
}

// Error names the setting and the reason.
func (e *SettingError) Error() string { return e.Path + ": " + e.Reason }

func settingError(path, format string, args ...any) *SettingError {
	return &SettingError{path, fmt.Sprintf(format, args...)}
}

// SettingAt is the path of a key in the setting at another path.
func SettingAt(path, key string) string {
	if strings.ContainsAny(key, ".[]' ") {
		key = "'" + strings.ReplaceAll(key, "'", `\'`) + "'"
	}
	return path + "." + key
}
