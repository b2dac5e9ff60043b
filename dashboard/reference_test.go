package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestTheReferenceHasEveryCallAndEveryObject(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	a := s.get(t, referencePath)
	a.want(t, http.StatusOK, `aria-current="page">API</a>`, apiRoot+"/openapi.json",
		`<code>/jobs/{job}</code>`, `<a href="#schema-JobStatus">JobStatus</a>`, `id="schema-JobStatus"`,
		"list of <a href=\"#schema-Host\">Host</a>", "From 1 to 10000. Default 1000.",
		"One of jsonl, csv. Default &#34;jsonl&#34;.",
		"curl -X PATCH -H &#39;Content-Type: application/merge-patch&#43;json&#39;", "application/x-ndjson",
		"/api/v1/jobs/news/explain?url=https%3A%2F%2Fexample.com%2F", "There is no job with this name.")
	if contains(a.body, "TRAWL_TOKEN") {
		t.Error("without a token, the examples have one")
	}
	d := readDescription(t)
	for path, operations := range d.Paths {
		for method := range operations {
			text := strings.ToUpper(method) + "</span> <code>" + path + "</code></h2>"
			if method != "parameters" && !contains(a.body, text) {
				t.Errorf("the reference lacks %q", text)
			}
		}
	}
	for name, schema := range d.Components.Schemas {
		if !contains(a.body, `id="schema-`+name+`"`) {
			t.Errorf("the reference lacks the object %s", name)
		}
		for field := range schema.Properties {
			if !contains(a.body, "<dt><code>"+field+"</code>") {
				t.Errorf("the reference lacks the field %s of %s", field, name)
			}
		}
	}
}

func TestEveryTypeOfTheReferenceIsNamed(t *testing.T) {
	t.Parallel()
	p, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range p.Schemas {
		ids = append(ids, "#"+s.ID)
	}
	check := func(where string, fields []referenceField) {
		for _, f := range fields {
			if len(f.Type) == 0 {
				t.Errorf("%s: %s has no type", where, f.Name)
			}
			for _, link := range f.Type {
				if link.URL != "" && !slices.Contains(ids, link.URL) {
					t.Errorf("%s: %s leads to %s, which is nowhere", where, f.Name, link.URL)
				}
			}
		}
	}
	for _, s := range p.Schemas {
		check(s.Name, s.Fields)
	}
	for _, c := range p.Calls {
		check(c.ID, c.Parameters)
	}
}

func TestTheRootOfTheAPILeadsToItsReference(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.Token = "secret" })
	for _, path := range []string{"/api/", "/api/v1", "/api/v1/"} {
		a := s.get(t, path, "Authorization", "Bearer secret")
		if a.want(t, http.StatusSeeOther); a.header.Get("Location") != referencePath {
			t.Errorf("%s leads to %q", path, a.header.Get("Location"))
		}
	}
	s.get(t, referencePath, "Authorization", "Bearer secret").want(t, http.StatusOK, "Authorization: Bearer $TRAWL_TOKEN")
	s.get(t, referencePath).want(t, http.StatusUnauthorized)
	s.get(t, apiRoot+"/nothing", "Authorization", "Bearer secret").
		wantError(t, http.StatusNotFound, "/api and /api/v1/openapi.json")
}
