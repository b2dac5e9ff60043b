package setting

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// keys returns the addresses of all values by their keys in YAML files, by reflection.
func keys(s *Values) map[string]any {
	all := make(map[string]any)
	value := reflect.ValueOf(s).Elem()
	for _, f := range reflect.VisibleFields(value.Type()) {
		if key := f.Tag.Get("yaml"); key != "" && !strings.Contains(key, ",") {
			all[key] = value.FieldByIndex(f.Index).Addr().Interface()
		}
	}
	return all
}

func TestTheTableHasEverySettingOnce(t *testing.T) {
	t.Parallel()
	var s Values
	known := keys(&s)
	for _, row := range table {
		at, ok := known[row.Name]
		if !ok {
			t.Errorf("%s is twice in the table, or is not the key of a field", row.Name)
			continue
		}
		delete(known, row.Name)
		if got := reflect.ValueOf(row.Pointer(&s)).Pointer(); got != reflect.ValueOf(at).Pointer() {
			t.Errorf("%s reads and writes another field", row.Name)
		}
		if row.Meaning == "" || row.Since == "" || row.In == 0 || !slices.Contains(Groups, row.Group) {
			t.Errorf("%s lacks a meaning, a release, a place or a group: %+v", row.Name, row)
		}
		_, ofJob := keysOfJob()[row.Name]
		if ofJob != (row.In&InJob != 0) {
			t.Errorf("%s: a field of a job is %v, stored with a job is %v", row.Name, ofJob, !ofJob)
		}
	}
	for key := range known {
		t.Errorf("%s has no row", key)
	}
	if got := len(Table()); got != len(table) {
		t.Errorf("the groups have %d settings, want %d", got, len(table))
	}
}

func keysOfJob() map[string]bool {
	all := make(map[string]bool)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[crawler.Job]()) {
		all[f.Tag.Get("yaml")] = true
	}
	return all
}

func TestAFewSettingsAreCommon(t *testing.T) {
	t.Parallel()
	common := 0
	for _, s := range table {
		if s.Common {
			common++
		}
	}
	if common < 8 || common > 14 {
		t.Errorf("%d settings are common, want about a dozen", common)
	}
}

func TestWordsThatTheTableListsAreAllWords(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"scope": texts(rules.ScopeKinds), "resource_scope": texts(rules.ScopeKinds),
		"seed_redirects": texts(rules.SeedRedirectsKinds),
		"politeness":     texts(rules.Politenesses), "tls": texts(rules.TLSKinds),
		"conditional": texts(rules.Conditionals),
		"durable":     texts(rules.DurableKinds), "same": texts(rules.SameKinds),
		"sign": texts(identity.Modes), "signature_form": texts(identity.AgentForms),
	} {
		s, _ := Lookup(name)
		if !slices.Equal(s.Choices, want) {
			t.Errorf("%s: the table lists %v, want %v", name, s.Choices, want)
		}
	}
}

func texts[T ~string](words []T) (all []string) {
	for _, w := range words {
		all = append(all, string(w))
	}
	return all
}
