package tabular

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

// withoutColumn are the fields of a record that the table of pages has no column for.
var withoutColumn = []string{"SeedHost", "Missing", "Sitemap", "Items"}

// bare is a record of a URL that was not fetched.
func bare() crawler.Record {
	return crawler.Record{URL: "http://a.test/", FetchedAt: "2023-11-14T22:13:20.000Z", Redirects: []string{}, Links: 0}
}

// fill sets a field of a record to a value that is not its zero.
func fill(t *testing.T, field reflect.Value, name string) {
	t.Helper()
	switch name {
	case "URL":
		field.SetString("http://b.test:8080/page?q=1")
		return
	case "FetchedAt":
		field.SetString("2026-02-03T04:05:06.789Z")
		return
	case "Links", "Resources":
		field.Set(reflect.ValueOf(3))
		return
	}
	switch into := field.Addr().Interface().(type) {
	case *map[string]any:
		*into = map[string]any{"price": "1.50", "tags": []any{"a", nil}, "inner": map[string]any{"n": 2.5}}
		return
	case *json.Number:
		*into = "1"
		return
	case *[]json.RawMessage:
		*into = []json.RawMessage{json.RawMessage(`{"a":1}`)}
		return
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString("some " + name)
	case reflect.Bool:
		field.SetBool(true)
	case reflect.Int, reflect.Int64:
		field.SetInt(7)
	case reflect.Float64:
		field.SetFloat(0.25)
	case reflect.Pointer:
		field.Set(reflect.New(field.Type().Elem()))
		fill(t, field.Elem(), name)
	case reflect.Slice:
		field.Set(reflect.MakeSlice(field.Type(), 2, 2))
		for i := range 2 {
			fill(t, field.Index(i), fmt.Sprint(name, i))
		}
	case reflect.Map:
		field.Set(reflect.MakeMap(field.Type()))
		value := reflect.New(field.Type().Elem()).Elem()
		fill(t, value, name)
		field.SetMapIndex(reflect.ValueOf("key"), value)
	case reflect.Struct:
		for i := range field.NumField() {
			fill(t, field.Field(i), field.Type().Field(i).Name)
		}
	default:
		t.Fatalf("field %s is of type %v, which this test does not know", name, field.Type())
	}
}

// Each field of a record has a column, and the column has its value: a record that is made a row
// and read back is the same. A field that is added to one side only is noticed here.
func TestEveryFieldOfARecordIsReadBackFromItsRow(t *testing.T) {
	t.Parallel()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[crawler.Record]()) {
		want := bare()
		fill(t, reflect.ValueOf(&want).Elem().FieldByIndex(f.Index), f.Name)
		if f.Name == "Bytes" {
			want.Digest = "sha256:00" // without a body, there are no bytes
		}
		row, err := PageRowOf(want)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		got, err := row.Record()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if slices.Contains(withoutColumn, f.Name) {
			want = bare()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("a record with %s differs when it is read back (-record +row):\n%s", f.Name, diff)
		}
	}
}

func TestARowCountsLinksThatARecordLists(t *testing.T) {
	t.Parallel()
	for name, links := range map[string]any{
		"a list": []string{"/a", "/b"}, "a list from JSON": []any{"/a", "/b"}, "a number": 2, "a number from JSON": 2.0,
	} {
		rec := bare()
		rec.Links, rec.Resources = links, links
		row, err := PageRowOf(rec)
		if err != nil {
			t.Fatal(err)
		}
		if row.Links != 2 || row.Resources == nil || *row.Resources != 2 {
			t.Errorf("%s: the row has %d links and resources %v, want 2 of each", name, row.Links, row.Resources)
		}
	}
	row, err := PageRowOf(bare())
	if err != nil || row.Resources != nil {
		t.Errorf("resources that were not collected are %v (%v), want null", row.Resources, err)
	}
}

func TestTheBytesOfARowAreNullWithoutABody(t *testing.T) {
	t.Parallel()
	rec := bare()
	if row, err := PageRowOf(rec); err != nil || row.Bytes != nil {
		t.Errorf("without a body, they are %v (%v)", row.Bytes, err)
	}
	rec.Digest = "sha256:e3b0"
	if row, err := PageRowOf(rec); err != nil || row.Bytes == nil || *row.Bytes != 0 {
		t.Errorf("of an empty body, they are %v (%v), want 0", row.Bytes, err)
	}
}

func TestTheFieldsOfALineStayAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	const fields = `{"b":12345678901234567890,"a":[null]}` // more digits than a float64 has
	line := `{"url":"http://a.test/","fetched_at":"2023-11-14T22:13:20.000Z","fields":` + fields + `}`
	row, err := EntryRow([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if string(row.Fields) != fields || row.Host != "a.test" {
		t.Errorf("the row of host %q has the fields %s, want %s", row.Host, row.Fields, fields)
	}
}

func TestRowsOfErrorsAreThoseOfURLsWithoutAPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome crawler.Outcome
		text    string
		row     bool
	}{
		{crawler.OutcomeFetched, "", false}, {crawler.OutcomeFetched, "only its beginning was read", true},
		{crawler.OutcomeRedirected, "", false}, {crawler.OutcomeNotModified, "", false},
		{crawler.OutcomeGone, "", true}, {crawler.OutcomeFailed, "no such host", true},
		{crawler.OutcomeBlocked, "", true}, {crawler.OutcomeSkipped, "", true},
	} {
		rec := bare()
		rec.Outcome, rec.Error, rec.Fault, rec.ErrorClass = c.outcome, c.text, "resolve", crawler.ErrorDNS
		row, ok, err := ErrorRowOf(rec)
		if err != nil || ok != c.row {
			t.Errorf("%s with the error %q has a row: %t (%v)", c.outcome, c.text, ok, err)
		}
		if ok && (row.Outcome != string(c.outcome) || row.Error != c.text || row.Fault != "resolve" ||
			row.ErrorClass != "dns" || row.Host != "a.test") {
			t.Errorf("the row of %s is %+v", c.outcome, row)
		}
	}
}
