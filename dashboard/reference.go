package dashboard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/internal/ui"
)

// referencePath is the path of the page that describes the API. Browsers that ask for apiRoot are
// sent there.
const referencePath = "/api"

// referencePage describes the API for people. It is made from the description for programs.
type referencePage struct {
	ui.Layout
	Root, Description string
	Token             bool // requests need one
	Origin            string
	Calls             []referenceCall
	Schemas           []referenceSchema
}

// referenceCall is a method of a path.
type referenceCall struct {
	ID, Method, Path, Summary, Description string

	Changes    bool // it is not a GET
	Parameters []referenceField
	Bodies     []referenceBody
	Answers    []referenceAnswer

	// Arguments and Target are those of curl, before and in the URL.
	Arguments, Target string
}

// referenceField is a parameter, or a field of an object.
type referenceField struct {
	Name, Where string // Where is "path", "query" or "header" for a parameter
	Required    bool
	Type        []ui.Link // a link without a URL is plain text
	Text        string
	Limits      string // the default, the range and the values
}

// referenceBody is a body of a media type.
type referenceBody struct {
	Media string
	Type  []ui.Link
	Text  string
}

// referenceAnswer is a response with a status.
type referenceAnswer struct {
	Status, Text string
	Headers      []referenceField
	Bodies       []referenceBody
}

// referenceSchema is an object of the API.
type referenceSchema struct {
	ID, Name, Text string
	Type           []ui.Link // of a value that is not an object
	Fields         []referenceField
}

// reference returns the page without the parts that depend on a request. It is made once.
var reference = sync.OnceValues(func() (p referencePage, err error) {
	var d apiDescription
	if err := json.Unmarshal(openAPI, &d); err != nil {
		return p, fmt.Errorf("the description of the API: %w", err)
	}
	p.Layout = ui.Layout{Title: "API", Section: "api"}
	p.Root, p.Description = apiRoot, d.Info.Description
	for _, path := range d.Paths {
		calls, err := d.callsOf(path)
		if err != nil {
			return p, err
		}
		p.Calls = append(p.Calls, calls...)
	}
	for _, s := range d.Components.Schemas {
		one := referenceSchema{ID: schemaID(s.Name), Name: s.Name, Text: s.Value.Description, Fields: fieldsOf(s.Value)}
		if len(one.Fields) == 0 {
			one.Type = typeOf(s.Value)
			one.Text = strings.TrimSpace(one.Text + " " + limitsOf(s.Value))
		}
		p.Schemas = append(p.Schemas, one)
	}
	return p, nil
})

// showReference responds with the reference of the API.
func (d *Dashboard) showReference(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	p, err := reference()
	if err != nil {
		return err
	}
	p.Token, p.Origin = d.cfg.Token != "", "http://"+r.Host
	d.respond(w, http.StatusOK, "reference", p)
	return nil
}

// callsOf lists the methods of a path.
func (d apiDescription) callsOf(path member[ordered[json.RawMessage]]) (calls []referenceCall, err error) {
	var shared []apiParameter
	for _, m := range path.Value {
		if m.Name == "parameters" {
			err = json.Unmarshal(m.Value, &shared)
		} else {
			var o apiOperation
			err = json.Unmarshal(m.Value, &o)
			calls = append(calls, d.callOf(strings.ToUpper(m.Name), path.Name, o, shared))
		}
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.Name, path.Name, err)
		}
	}
	return calls, nil
}

func (d apiDescription) callOf(method, path string, o apiOperation, shared []apiParameter) referenceCall {
	c := referenceCall{ID: "call-" + o.OperationID, Method: method, Path: path, Summary: o.Summary,
		Description: o.Description, Changes: method != http.MethodGet}
	all := append(slices.Clone(shared), o.Parameters...)
	for _, p := range all {
		c.Parameters = append(c.Parameters, referenceField{p.Name, p.In, p.Required, typeOf(p.Schema),
			cmp.Or(p.Description, p.Schema.Description), limitsOf(p.Schema)})
	}
	if o.RequestBody != nil {
		c.Bodies = bodiesOf(*o.RequestBody)
	}
	for _, answer := range o.Responses {
		text := answer.Value
		if text.Ref != "" {
			text = d.Components.Responses[refName(text.Ref)]
		}
		one := referenceAnswer{Status: answer.Name, Text: text.Description, Bodies: bodiesOf(text.apiBody)}
		for _, h := range text.Headers {
			one.Headers = append(one.Headers,
				referenceField{Name: h.Name, Type: typeOf(h.Value.Schema), Text: h.Value.Description})
		}
		c.Answers = append(c.Answers, one)
	}
	c.Arguments, c.Target = curlOf(c, o, all)
	return c
}

func bodiesOf(b apiBody) (list []referenceBody) {
	for _, media := range b.Content {
		list = append(list, referenceBody{media.Name, typeOf(media.Value.Schema), media.Value.Schema.Description})
	}
	return list
}

// exampleValues are the values in examples, for parameters of paths and required parameters of
// queries.
var exampleValues = map[string]string{"{job}": "news", "{host}": "example.com", "url": "https%3A%2F%2Fexample.com%2F"}

// curlOf returns an example of a call: the arguments of curl, and the path with its query.
func curlOf(c referenceCall, o apiOperation, all []apiParameter) (arguments, target string) {
	target = apiRoot + c.Path
	query := "?"
	for _, p := range all {
		switch {
		case p.In == "path":
			target = strings.ReplaceAll(target, "{"+p.Name+"}", exampleValues["{"+p.Name+"}"])
		case p.In == "query" && p.Required:
			target, query = target+query+p.Name+"="+exampleValues[p.Name], "&"
		}
	}
	if c.Method != http.MethodGet && (c.Method != http.MethodPost || o.RequestBody == nil) {
		arguments = "-X " + c.Method + " "
	}
	if o.RequestBody == nil || len(o.RequestBody.Content) == 0 {
		return arguments, target
	}
	media := o.RequestBody.Content[0]
	text, ok := media.Value.Example.(string)
	if !ok {
		coded, _ := json.Marshal(media.Value.Example) // it was decoded from JSON
		text = string(coded)
	}
	arguments += fmt.Sprintf("-H 'Content-Type: %s' --data-binary '%s' ", media.Name, strings.TrimSpace(text))
	return arguments, target
}
