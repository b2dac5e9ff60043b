// Package textform gives settings the form that they have in files, in JSON and in Redis,
// where a duration is a text.
package textform

import (
	"reflect"
	"sync"
	"time"
)

// Form returns a pointer to a struct with the fields of *settings and their tags, for
// encoders and decoders of JSON and YAML. It differs in two ways: the fields of embedded
// structs are at one level, and each time.Duration is a [Duration], or an [AutoDuration] if its
// tag says duration:"auto", because these have a text form; so is what a *time.Duration points
// to. keep stores the values of that
// struct in *settings. Unexported fields are left out. settings must point to a struct.
func Form(settings any) (text any, keep func()) {
	from := reflect.ValueOf(settings).Elem()
	form := formOf(from.Type())
	to := reflect.New(form.text)
	for i, index := range form.fields {
		field := to.Elem().Field(i)
		field.Set(from.FieldByIndex(index).Convert(field.Type()))
	}
	return to.Interface(), func() {
		for i, index := range form.fields {
			field := from.FieldByIndex(index)
			field.Set(to.Elem().Field(i).Convert(field.Type()))
		}
	}
}

// textForm is the form of a struct for encoders and decoders.
type textForm struct {
	text   reflect.Type
	fields [][]int // by field of text: its index in the struct
}

// textForms has the form of each struct that was asked for, by its reflect.Type.
var textForms sync.Map

// formOf returns the form of a struct.
func formOf(settings reflect.Type) textForm {
	if known, ok := textForms.Load(settings); ok {
		return known.(textForm)
	}
	var form textForm
	var fields []reflect.StructField
	for _, f := range reflect.VisibleFields(settings) {
		if !f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
			continue
		}
		form.fields = append(form.fields, f.Index)
		fields = append(fields, reflect.StructField{Name: f.Name, Type: textType(f), Tag: f.Tag})
	}
	form.text = reflect.StructOf(fields)
	textForms.Store(settings, form)
	return form
}

// textType returns the type that a field has for encoders and decoders.
func textType(f reflect.StructField) reflect.Type {
	switch {
	case f.Type == reflect.TypeFor[*time.Duration]():
		return reflect.TypeFor[*Duration]()
	case f.Type != reflect.TypeFor[time.Duration]():
		return f.Type
	case f.Tag.Get("duration") == "auto":
		return reflect.TypeFor[AutoDuration]()
	}
	return reflect.TypeFor[Duration]()
}
