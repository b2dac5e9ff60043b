package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// apiDescription is the part of openapi.json (OpenAPI 3.1) that the reference shows.
type apiDescription struct {
	Info  struct{ Description string }
	Paths ordered[ordered[json.RawMessage]] // by path: operations by method, and "parameters"

	Components struct {
		Responses map[string]apiResponse
		Schemas   ordered[apiSchema]
	}
}

// apiOperation describes a method of a path.
type apiOperation struct {
	OperationID, Summary, Description string

	Parameters  []apiParameter
	RequestBody *apiBody
	Responses   ordered[apiResponse]
}

// apiParameter is a parameter of the path, the query, or a header.
type apiParameter struct {
	Name, In, Description string

	Required bool
	Schema   apiSchema
}

// apiBody is a body by media types.
type apiBody struct {
	Content ordered[struct {
		Schema  apiSchema
		Example any
	}]
}

// apiResponse is a response, or a reference to one.
type apiResponse struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     ordered[struct {
		Description string
		Schema      apiSchema
	}]
	apiBody
}

// apiSchema describes a value (JSON Schema 2020-12).
type apiSchema struct {
	Ref         string `json:"$ref"`
	Type        any    // a name, or a list of them
	Description string
	Format      string
	Pattern     string
	Default     any
	Enum        []any
	Minimum     *json.Number
	Maximum     *json.Number

	Properties           ordered[apiSchema]
	Required             []string
	Items                *apiSchema
	AdditionalProperties json.RawMessage // a schema, or false
	AnyOf, OneOf, AllOf  []apiSchema
}

// ordered is an object whose members keep their order.
type ordered[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

// UnmarshalJSON decodes an object.
func (o *ordered[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return fmt.Errorf("want an object, found %v (%w)", start, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		one := member[T]{Name: fmt.Sprint(name)}
		if err := decoder.Decode(&one.Value); err != nil {
			return fmt.Errorf("%s: %w", one.Name, err)
		}
		*o = append(*o, one)
	}
	return nil
}

// refName returns the name that a reference ends with, or "".
func refName(ref string) string { return ref[strings.LastIndexByte(ref, '/')+1:] }

// parts lists the alternatives of a schema, or the schemas that a value meets together.
func (s apiSchema) parts() []apiSchema { return append(append(s.AnyOf, s.OneOf...), s.AllOf...) }

// types lists the types of a value.
func (s apiSchema) types() (names []string) {
	switch t := s.Type.(type) {
	case string:
		return []string{t}
	case []any:
		for _, name := range t {
			names = append(names, fmt.Sprint(name))
		}
	}
	return names
}
