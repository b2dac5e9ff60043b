package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/ui"
)

// schemaID returns the ID of an object in the reference.
func schemaID(name string) string { return "schema-" + name }

// plainText returns a text without a link.
func plainText(text string) ui.Link { return ui.Link{Text: text} }

// typeOf returns the type of a value in words, with links to objects.
func typeOf(s apiSchema) []ui.Link {
	if s.Ref != "" {
		name, field, _ := strings.Cut(strings.TrimPrefix(s.Ref, "#/components/schemas/"), "/properties/")
		text := name
		if field != "" {
			text += "." + field
		}
		return []ui.Link{{Text: text, URL: "#" + schemaID(name)}}
	}
	if parts := s.parts(); len(parts) > 0 {
		return alternatives(parts)
	}
	if s.Type == nil {
		return []ui.Link{plainText("any value")}
	}
	var list []ui.Link
	for i, name := range s.types() {
		if i > 0 {
			list = append(list, plainText(" or "))
		}
		list = append(list, namedType(name, s)...)
	}
	return list
}

// alternatives lists the types that a value may have. A schema that only adds a description, a
// default or limits names none.
func alternatives(parts []apiSchema) (list []ui.Link) {
	for _, part := range parts {
		if part.Ref == "" && part.Type == nil && len(part.parts()) == 0 {
			continue
		}
		t := typeOf(part)
		if len(list) > 0 {
			list = append(list, plainText(" or "))
		}
		list = append(list, t...)
	}
	return list
}

// namedType returns a type with the type of its items.
func namedType(name string, s apiSchema) []ui.Link {
	var values apiSchema
	switch {
	case name == "array" && s.Items != nil:
		return append([]ui.Link{plainText("list of ")}, typeOf(*s.Items)...)
	case name == "object" && json.Unmarshal(s.AdditionalProperties, &values) == nil && len(typeOf(values)) > 0:
		return append([]ui.Link{plainText("object of ")}, typeOf(values)...)
	case name == "object" && len(s.Properties) > 0:
		list := []ui.Link{plainText("object with ")}
		for i, p := range s.Properties {
			if i > 0 {
				list = append(list, plainText(", "))
			}
			list = append(append(list, plainText(p.Name+": ")), typeOf(p.Value)...)
		}
		return list
	case s.Format == "date-time":
		return []ui.Link{plainText("time")}
	}
	return []ui.Link{plainText(name)}
}

// limitsOf returns the default of a value, its range and its values.
func limitsOf(s apiSchema) string {
	var list []string
	for _, part := range s.parts() {
		if text := limitsOf(part); text != "" {
			list = append(list, text)
		}
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			values = append(values, fmt.Sprint(v))
		}
		list = append(list, "One of "+strings.Join(values, ", ")+".")
	}
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		list = append(list, fmt.Sprintf("From %v to %v.", *s.Minimum, *s.Maximum))
	case s.Minimum != nil:
		list = append(list, fmt.Sprintf("At least %v.", *s.Minimum))
	case s.Maximum != nil:
		list = append(list, fmt.Sprintf("At most %v.", *s.Maximum))
	}
	if s.Pattern != "" {
		list = append(list, "It matches "+s.Pattern+".")
	}
	if s.Default != nil {
		coded, _ := json.Marshal(s.Default) // it was decoded from JSON
		list = append(list, "Default "+string(coded)+".")
	}
	return strings.Join(list, " ")
}

// fieldsOf lists the fields of an object.
func fieldsOf(s apiSchema) (fields []referenceField) {
	for _, p := range s.Properties {
		text := p.Value.Description
		for _, part := range p.Value.parts() {
			if text == "" {
				text = part.Description
			}
		}
		fields = append(fields, referenceField{Name: p.Name, Required: slices.Contains(s.Required, p.Name),
			Type: typeOf(p.Value), Text: text, Limits: limitsOf(p.Value)})
	}
	return fields
}
