package textform

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestDurationsAreReadAsGoWritesThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "1h30m": 90 * time.Minute, "0": 0,
		"1.5s": 1500 * time.Millisecond} {
		if got, err := ParseDuration(text); err != nil || time.Duration(got) != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "5", "1 s", "-1s", "soon", "1d"} {
		if got, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("%q is %v, %v; want an error that quotes it", text, got, err)
		}
	}
}

func TestADurationMayBeAuto(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]AutoDuration{
		"auto": AutoDuration(Auto), "0": 0, "1m30s": AutoDuration(90 * time.Second),
	} {
		var got AutoDuration
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
		var again AutoDuration
		if err := again.Set(got.String()); err != nil || again != want {
			t.Errorf("%v is read as %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"-1ns", "automatic", ""} {
		var got AutoDuration
		if err := got.Set(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestTheTextFormHasAllFieldsAtOneLevel(t *testing.T) {
	t.Parallel()
	type group struct {
		Pause  time.Duration `json:"pause"`
		hidden int
	}
	settings := struct {
		Name  string         `json:"name"`
		group                // its exported fields are settings
		Least time.Duration  `json:"least" duration:"auto"`
		Own   *time.Duration `json:"own"`
	}{Name: "a", group: group{time.Second, 7}, Least: Auto}
	text, keep := Form(&settings)
	got, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"a","pause":"1s","least":"auto","own":null}`; string(got) != want {
		t.Errorf("text form is %s, want %s", got, want)
	}
	if err := json.Unmarshal([]byte(`{"pause":"3s","least":"4s","own":"5s"}`), text); err != nil {
		t.Fatal(err)
	}
	keep()
	own := settings.Own
	if settings.Name != "a" || settings.Pause != 3*time.Second || settings.Least != 4*time.Second ||
		settings.hidden != 7 || own == nil || *own != 5*time.Second {
		t.Errorf("settings are %+v", settings)
	}
}
