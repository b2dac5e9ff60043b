package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Group is a group of settings in help and documentation. Its value is the group's title.
type Group string

// The groups, in the order of help.
const (
	GroupJob        Group = "Job"
	GroupScope      Group = "Scope"
	GroupLimits     Group = "Limits"
	GroupPoliteness Group = "Politeness"
	GroupRequests   Group = "Requests"
	GroupRetries    Group = "Retries"
	GroupExtract    Group = "Extraction"
	GroupOutput     Group = "Output"
	GroupNetwork    Group = "Network"
	GroupRedis      Group = "Redis"
	GroupProcess    Group = "Process"
)

// Groups lists the groups in the order of help.
var Groups = []Group{
	GroupScope, GroupLimits, GroupPoliteness, GroupOutput, GroupExtract, GroupRequests, GroupRetries, GroupNetwork,
	GroupRedis, GroupProcess, GroupJob,
}

// Place says where a setting applies. Places are combined by or.
type Place uint

// The places.
const (
	InJob     Place = 1 << iota // stored with a job: keys of job files, trawl job create, trawl job set
	InCrawl                     // flags of trawl crawl, fetch, check and extract
	InSeed                      // flags of trawl seed
	InWorker                    // flags of trawl worker
	InFleet                     // flags of trawl scheduler, worker and dashboard
	InClients                   // flags of commands that ask a fleet: trawl job, host, export, …
)

// Setting is a row of the table: what is known about one setting. It is immutable.
type Setting struct {
	Name    string // key in a YAML file; flags and environment variables are derived from it
	Group   Group
	Meaning string   // for help, as a noun phrase or an imperative, with the unit
	Choices []string // all values, if they are few
	Empty   string   // what the default is if its value is empty, such as "the system's"
	Since   string   // release that had it first
	In      Place
	Common  bool // one of the dozen that most crawls need
	// Whole says that a list has one value for each time its flag is given. Other lists
	// may also be written with commas.
	Whole bool
	// Changes says that the setting of a job can change after the job was created. Why is
	// what an operator should know about a change; or, for other settings, why they cannot
	// change. "" for nothing, or for the usual reason.
	Changes bool
	Why     string

	field field
}

// Flag returns the name of the setting's flag, without dashes.
func (s Setting) Flag() string {
	if s.Name == "name" {
		return "job"
	}
	return strings.ReplaceAll(s.Name, "_", "-")
}

// Variable returns the name of the setting's environment variable.
func (s Setting) Variable() string { return Variable(s.Flag()) }

// Variable returns the environment variable that stands for a flag.
func Variable(flag string) string {
	return "TRAWL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Pointer returns the address of the setting's value: a *string, *int, *int64, *float64,
// *bool, *[]string, a pointer to another list, or a type that has Set and String.
func (s Setting) Pointer(of *Values) any { return s.field.pointer(of) }

// Copy sets the setting's value in one to that in another.
func (s Setting) Copy(to, from *Values) { s.field.copy(to, from) }

// IsList reports whether the value is a list.
func (s Setting) IsList() bool { return s.field.list() }

// Encode returns the value as JSON.
func (s Setting) Encode(of *Values) (json.RawMessage, error) { return s.field.encode(of) }

// Decode sets the value from JSON. If it fails, nothing is changed, and the error says what
// is wrong with the value.
func (s Setting) Decode(to *Values, value json.RawMessage) error {
	if err := s.field.decode(to, value); err != nil {
		return fmt.Errorf("%s", s.misfit(to, value, err))
	}
	return nil
}

// Text returns the value as a person would write it; "" for none.
func (s Setting) Text(of *Values) string {
	value, err := s.Encode(of)
	if err != nil {
		return err.Error()
	}
	var words []string
	if s.IsList() && json.Unmarshal(value, &words) == nil {
		return strings.Join(words, ", ")
	}
	return unquoted(value)
}

// misfit says why a value is not valid for the setting.
func (s Setting) misfit(of *Values, value json.RawMessage, err error) string {
	shown := fmt.Sprintf("%q", urltext.Clip(unquoted(value)))
	if s.IsList() {
		if bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) { // one of its values is not valid
			return strings.TrimPrefix(err.Error(), "json: ")
		}
		return shown + " is not a list"
	}
	switch s.Pointer(of).(type) {
	case *float64:
		return shown + " is not a number"
	case *int, *int64:
		return shown + " is not a whole number"
	case *bool:
		return shown + " is neither true nor false"
	case *string:
		return shown + " is not a text: put it in quotes"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// unquoted returns a value without the quotes of a string.
func unquoted(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// field reads and writes the value of one setting.
type field interface {
	pointer(*Values) any
	copy(to, from *Values)
	encode(*Values) (json.RawMessage, error)
	decode(*Values, json.RawMessage) error
	list() bool
}

// one is the field of a single value.
type one[T any] func(*Values) *T

func (at one[T]) pointer(s *Values) any                     { return at(s) }
func (at one[T]) copy(to, from *Values)                     { *at(to) = *at(from) }
func (at one[T]) encode(s *Values) (json.RawMessage, error) { return json.Marshal(*at(s)) }
func (at one[T]) list() bool                                { return false }

func (at one[T]) decode(s *Values, value json.RawMessage) error {
	var fresh T
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&fresh); err != nil {
		return err
	}
	*at(s) = fresh
	return nil
}

// many is the field of a list.
type many[T any] struct{ one[[]T] }

func (many[T]) list() bool { return true }

// of returns the field at an address.
func of[T any](at func(*Values) *T) field { return one[T](at) }

// listOf returns the field of a list at an address.
func listOf[T any](at func(*Values) *[]T) field { return many[T]{at} }

// wordOf returns the field of a text whose type is not string.
func wordOf(at func(*Values) *string) field { return one[string](at) }

// Lookup returns the setting of a name, or false.
func Lookup(name string) (Setting, bool) {
	for _, s := range table {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Table lists all settings, group by group. All callers share the list, so do not modify it.
func Table() []Setting { return byGroup() }

// byGroup sorts the table once: the command asks for it once for each of its flags.
var byGroup = sync.OnceValue(func() []Setting {
	all := make([]Setting, 0, len(table))
	for _, g := range Groups {
		for _, s := range table {
			if s.Group == g {
				all = append(all, s)
			}
		}
	}
	return all
})

// Names lists the settings that apply in a place.
func Names(in Place) (names []string) {
	for _, s := range table {
		if s.In&in != 0 {
			names = append(names, s.Name)
		}
	}
	return names
}
