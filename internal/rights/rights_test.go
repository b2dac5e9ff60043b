package rights

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestContentSignalsAreBounded(t *testing.T) {
	t.Parallel()
	var s Signals
	for i := range 2 * maxSignals {
		s.Read(strings.Repeat("a", 1+i) + "=yes")
	}
	if len(s) != maxSignals {
		t.Errorf("%d signals, want %d", len(s), maxSignals)
	}
}

func TestPreferencesAreReadAsStructuredFields(t *testing.T) {
	t.Parallel()
	no := func(categories ...string) (all []Preference) {
		for _, c := range categories {
			all = append(all, Preference{c, UsageDisallow})
		}
		return all
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  []Preference
		fails bool
	}{
		{"one", []string{"train-ai=n"}, no("train-ai"), false},
		{"several", []string{"train-ai=n, search=n"}, no("train-ai", "search"), false},
		{"on two lines", []string{"train-ai=n", "search=n"}, no("train-ai", "search"), false},
		{"with parameters", []string{`train-ai=n;a;b="c;d=y"`}, no("train-ai"), false},
		{"the last of two counts", []string{"train-ai=y, train-ai=n"}, no("train-ai"), false},
		{"an unknown last value", []string{"train-ai=n, train-ai=maybe"}, nil, false},
		{"a string is no token", []string{`train-ai="n"`}, nil, false},
		{"a boolean is no token", []string{"train-ai, search=?0"}, nil, false},
		{"a list is no token", []string{"train-ai=(n)"}, nil, false},
		{"case matters in values", []string{"train-ai=N"}, nil, false},
		{"a category of tomorrow", []string{"dream=n"}, no("dream"), false},
		{"nothing", []string{""}, nil, false},
		{"an upper-case key", []string{"search=n, Train-AI=n"}, nil, true},
		{"a trailing comma", []string{"train-ai=n,"}, nil, true},
		{"no comma", []string{"train-ai=n search=n"}, nil, true},
		{"bytes that are not ASCII", []string{"train-ai=n, s\xc3\xbc=n"}, nil, true},
		{"too long", []string{strings.Repeat("a", maxUsage) + "=n"}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Usage(c.lines...)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("preferences (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDictionariesOfTheConformanceData reads the dictionaries of httpwg/structured-field-tests:
// which of them are valid, and the values of those that are tokens.
func TestDictionariesOfTheConformanceData(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dictionary", "param-dict", "key-generated"} {
		text, err := os.ReadFile("../../../shared/conformance/structured/" + name + ".json")
		if err != nil {
			t.Skip("the conformance data is not here:", err)
		}
		var cases []struct {
			Name       string
			Raw        []string
			HeaderType string `json:"header_type"`
			MustFail   bool   `json:"must_fail"`
			CanFail    bool   `json:"can_fail"`
		}
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if c.HeaderType != "dictionary" {
				continue
			}
			if _, err := Usage(c.Raw...); (err != nil) != c.MustFail && !c.CanFail {
				t.Errorf("%s: %s: error %v, want one: %v", name, c.Name, err, c.MustFail)
			}
		}
	}
}

func TestLocationsOfATDMFile(t *testing.T) {
	t.Parallel()
	many := strings.TrimSuffix(strings.Repeat(`{"location":"/a","tdm-reservation":1},`, 2*maxLocations), ",")
	for _, c := range []struct {
		name, file string
		want       []Location
	}{
		{"in order", `[{"location":"/a*","tdm-reservation":1,"tdm-policy":"https://p.example/"},{"location":"/","tdm-reservation":0}]`,
			[]Location{{"/a*", "1", "https://p.example/"}, {"/", "0", ""}}},
		{"quoted", `[{"location":"/","tdm-reservation":"1"}]`, []Location{{"/", "1", ""}}},
		{"not valid", `[{"location":"/","tdm-reservation":2},{"location":"","tdm-reservation":1},{"location":"x","tdm-reservation":1},
			7,"/",null,{"location":["/"],"tdm-reservation":1},{"tdm-reservation":1},{"location":"/b","tdm-reservation":1,"tdm-policy":7}]`,
			[]Location{{"/b", "1", ""}}},
		{"cut off", `[{"location":"/a","tdm-reservation":1},{"location":"/b","tdm-res`, []Location{{"/a", "1", ""}}},
		{"an object", `{"location":"/","tdm-reservation":1}`, nil},
		{"a page", "<!doctype html>", nil},
		{"nothing", "", nil},
		{"too many", "[" + many + "]", make([]Location, maxLocations)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Locations([]byte(c.file))
			if len(c.want) == maxLocations {
				if len(got) != maxLocations {
					t.Errorf("%d locations", len(got))
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("locations (-want +got):\n%s", diff)
			}
		})
	}
}

// say returns a statement.
func say(v string, what, value string, source string) crawler.Statement {
	return crawler.Statement{Vocabulary: v, Statement: what, Value: value, Source: source}
}

func TestAStatementReservesAPageForAPurpose(t *testing.T) {
	t.Parallel()
	const file, header = InTDMRep, InHeader
	usage := func(what, value string) crawler.Statement {
		return say(VocabularyAIPref, what, value, header)
	}
	signal := func(what, value string) crawler.Statement {
		return say(VocabularySignal, what, value, InRobots)
	}
	tdm := func(value string, source string) crawler.Statement {
		return say(VocabularyTDMRep, Reservation, value, source)
	}
	robots := func(what string) crawler.Statement { return say(VocabularyRobots, what, "", header) }
	for _, c := range []struct {
		name      string
		stated    []crawler.Statement
		mediaType string
		reserved  []crawler.Purpose
	}{
		{"nothing is stated", nil, "", nil},
		{"training is refused", []crawler.Statement{usage("train-ai", "n")}, "", []crawler.Purpose{crawler.PurposeTrainAI}},
		{"search is refused", []crawler.Statement{usage("search", "n")}, "", []crawler.Purpose{crawler.PurposeSearch}},
		{"training is allowed", []crawler.Statement{usage("train-ai", "y")}, "", nil},
		{"a contradiction", []crawler.Statement{usage("train-ai", "y"), signal("ai-train", "no")}, "",
			[]crawler.Purpose{crawler.PurposeTrainAI}},
		{"signals", []crawler.Statement{signal("search", "yes"), signal("ai-input", "no")}, "",
			[]crawler.Purpose{crawler.PurposeAIInput}},
		{"mining", []crawler.Statement{tdm("1", file)}, "",
			[]crawler.Purpose{crawler.PurposeAIInput, crawler.PurposeTrainAI, crawler.PurposeMining}},
		{"the page overrides the file", []crawler.Statement{tdm("1", file), tdm("0", header)}, "", nil},
		{"and not the other way round", []crawler.Statement{tdm("0", file), tdm("1", header)}, "",
			[]crawler.Purpose{crawler.PurposeAIInput, crawler.PurposeTrainAI, crawler.PurposeMining}},
		{"a policy alone", []crawler.Statement{say(VocabularyTDMRep, Policy, "https://p.example/", header)}, "", nil},
		{"noai", []crawler.Statement{robots(NoAI)}, "", []crawler.Purpose{crawler.PurposeAIInput, crawler.PurposeTrainAI}},
		{"noimageai for a page", []crawler.Statement{robots(NoImageAI)}, "text/html", nil},
		{"noimageai for an image", []crawler.Statement{robots(NoImageAI)}, "Image/PNG",
			[]crawler.Purpose{crawler.PurposeAIInput, crawler.PurposeTrainAI}},
		{"noarchive", []crawler.Statement{robots(NoArchive)}, "", []crawler.Purpose{crawler.PurposeArchive}},
		{"a licence that is not read", []crawler.Statement{say(VocabularyRSL, License, "https://l.example/", header)},
			"", nil},
		{"what cannot be read", []crawler.Statement{{Vocabulary: VocabularyAIPref, Statement: "train-ai", Value: "n",
			Error: "it is not a dictionary"}}, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []crawler.Purpose
			for _, p := range Purposes {
				if _, reserved := Reserved(p, c.mediaType, c.stated); reserved {
					got = append(got, p)
				}
			}
			if diff := cmp.Diff(c.reserved, got); diff != "" {
				t.Errorf("purposes (-want +got):\n%s", diff)
			}
			if s, reserved := Reserved("", c.mediaType, c.stated); reserved {
				t.Errorf("%+v reserves for no purpose", s)
			}
		})
	}
}

func TestEveryPurposeCanBeReserved(t *testing.T) {
	t.Parallel()
	for _, p := range Purposes {
		if len(refusals[p]) == 0 {
			t.Errorf("no statement reserves a page for %s", p)
		}
	}
}

func TestASurveyCountsStatementsByHost(t *testing.T) {
	t.Parallel()
	var s Survey
	noAI := say(VocabularyRobots, NoAI, "", InMeta)
	noAI.Where = "http://a.example/1"
	s.Add("a.example", crawler.Rights{noAI}, true)
	noAI.Where = "http://a.example/2"
	s.Add("a.example", crawler.Rights{noAI}, true)
	s.Add("a.example", nil, false)
	for range 2 {
		s.Add("b.example", nil, false)
	}
	many := say(VocabularyLicense, License, "", InLink)
	for range 2 * maxDistinct {
		many.Value += "/"
		s.Add("c.example", crawler.Rights{many}, false)
	}
	got := s.Hosts()
	if len(got) != 3 || len(got[1].Statements) != maxDistinct || got[1].Omitted != maxDistinct {
		t.Fatalf("hosts %+v", got)
	}
	want := []HostRights{
		{Host: "a.example", Pages: 3, Stated: 2, Reserved: 2,
			Statements: []Counted{{VocabularyRobots, NoAI, "", InMeta, "", 2}}},
		{Host: "b.example", Pages: 2},
	}
	if diff := cmp.Diff(want, []HostRights{got[0], got[2]}, cmpopts.IgnoreUnexported(HostRights{})); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func FuzzStatements(f *testing.F) {
	f.Add("/a train-ai=n", "search=yes", `[{"location":"/","tdm-reservation":1}]`)
	f.Fuzz(func(t *testing.T, usage, signal, file string) {
		path, text := PathOf(usage)
		if !strings.HasPrefix(usage, path) || !strings.HasSuffix(strings.TrimRight(usage, " \t"),
			strings.TrimRight(text, " \t")) {
			t.Errorf("%q is split into %q and %q", usage, path, text)
		}
		preferences, _ := Usage(text)
		for _, p := range preferences {
			if p.Value != UsageAllow && p.Value != UsageDisallow || p.Category == "" {
				t.Errorf("preference %+v", p)
			}
		}
		if again := Combine(append([]Preference(nil), preferences...), preferences); len(again) != len(preferences) {
			t.Errorf("%d preferences twice are %d", len(preferences), len(again))
		}
		var s Signals
		s.Read(signal)
		for purpose, answer := range s {
			if purpose == "" || answer != signalYes && answer != signalNo {
				t.Errorf("signal %q=%q", purpose, answer)
			}
		}
		for _, l := range Locations([]byte(file)) {
			if l.Pattern == "" || l.Reservation != TDMFree && l.Reservation != TDMReserved {
				t.Errorf("location %+v", l)
			}
		}
	})
}
