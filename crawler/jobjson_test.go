package crawler

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAJobIsTheSameAfterJSON(t *testing.T) {
	t.Parallel()
	want := DefaultJob()
	want.Name, want.Delay, want.AddressDelay = "news", 1500*time.Millisecond, 2*time.Minute
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"delay":"1.5s"`, `"address_delay":"2m0s"`, `"time":"0s"`, `"lost_after":"2m0s"`} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
	var got Job
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a job differs after JSON (-before +after):\n%s", diff)
	}
}

func TestSettingsThatJSONLacksKeepTheirValues(t *testing.T) {
	t.Parallel()
	want := DefaultJob()
	got := want
	if err := json.Unmarshal([]byte(`{"delay":"5s","depth":2}`), &got); err != nil {
		t.Fatal(err)
	}
	want.Delay, want.Depth = 5*time.Second, 2
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestADurationThatIsNotATextIsAnError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"delay":5}`:        "delay",
		`{"delay":"5"}`:      `"5" is not a duration (write 500ms, 2s or 1h30m)`,
		`{"timeout":"-1s"}`:  `"-1s" is a negative duration`,
		`{"delay":"auto"}`:   `"auto" is not a duration`,
		`{"bytes":"a lot"}`:  `"a lot" is not a size`,
		`{"depth":"a link"}`: "depth",
	} {
		var job Job
		if err := json.Unmarshal([]byte(text), &job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", text, err, want)
		}
	}
}

func TestEncodersDecideWhetherHTMLIsEscapedInAJob(t *testing.T) {
	t.Parallel()
	job := DefaultJob()
	job.Seeds = []string{"http://example.com/?a&b"}
	escaped, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(job); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(escaped, []byte(`?a\u0026b`)) || !bytes.Contains(plain.Bytes(), []byte(`?a&b`)) {
		t.Errorf("json.Marshal encodes the seed as in %s, an encoder without escapes as in %s", escaped, &plain)
	}
}

func BenchmarkJobJSON(b *testing.B) {
	text, err := json.Marshal(DefaultJob())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var job Job
		if err := json.Unmarshal(text, &job); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheRulesOfAHostHaveTheirDelayAsText(t *testing.T) {
	t.Parallel()
	delay := 1500 * time.Millisecond
	for want, rules := range map[string]HostRules{
		`{"paused":true,"delay":"1.5s","pages":7,"ask":["/a/N"]}`: {
			Paused: true, Delay: &delay, Pages: 7, Ask: []string{"/a/N"},
		},
		`{"paused":false,"delay":null,"pages":0}`: {},
	} {
		text, err := json.Marshal(HostStatus{Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), `"rules":`+want+`,`) {
			t.Errorf("%s lacks the rules %s", text, want)
		}
		var got HostStatus
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rules, got.Rules); diff != "" {
			t.Errorf("rules differ after JSON (-before +after):\n%s", diff)
		}
	}
}
