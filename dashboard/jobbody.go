package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxBody is the most bytes of a body that is read whole.
const maxBody = 16 << 20

// readJob reads a valid job from the body of a request, over the defaults.
func readJob(w http.ResponseWriter, r *http.Request) (crawler.Job, error) {
	decode, err := jobDecoder(r)
	if err != nil {
		return crawler.Job{}, err
	}
	job := crawler.DefaultJob()
	if err := decode(http.MaxBytesReader(w, r.Body, maxBody), &job); err != nil {
		return crawler.Job{}, unreadable(err)
	}
	if err := job.Validate(); err != nil {
		return crawler.Job{}, badRequest("%v", err)
	}
	if _, err := job.SeedEntries(); err != nil {
		return crawler.Job{}, badRequest("%v", err)
	}
	return job, nil
}

// jobDecoder finds out how a job is written.
func jobDecoder(r *http.Request) (func(io.Reader, *crawler.Job) error, error) {
	switch mediaType(r) {
	case "", "application/json":
		return decodeJSON, nil
	case "application/yaml", "application/x-yaml", "text/yaml": // RFC 9512, and its deprecated aliases
		return decodeYAML, nil
	}
	return nil, wrongType(r, "application/json or application/yaml")
}

// mediaType is what the body is said to be, without parameters.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return r.Header.Get("Content-Type")
	}
	return kind
}

func wrongType(r *http.Request, want string) *problem {
	return &problem{http.StatusUnsupportedMediaType,
		fmt.Sprintf("Content-Type %q is not known here: send %s", r.Header.Get("Content-Type"), want), nil}
}

// unreadable is the problem of a body that can not be read as a job.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &problem{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the job has more than %d bytes: create it with fewer seeds, and send the others to %s/jobs/{job}/seeds", tooLarge.Limit, apiRoot), nil}
	}
	return badRequest("%v", err)
}

// decodeJSON reads a job. A field that it does not know is an error.
func decodeJSON(body io.Reader, job *crawler.Job) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(job); err != nil {
		return jsonTrouble(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("there is more in the body than one job")
	}
	return nil
}

// jsonTrouble words an error of encoding/json for who wrote the job.
func jsonTrouble(err error) error {
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is no setting of a job", field)
	}
	var misfit *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &misfit) && misfit.Field == "":
		return fmt.Errorf("a job is an object, not a JSON %s", misfit.Value)
	case errors.As(err, &misfit):
		return fmt.Errorf("%s: a JSON %s does not fit: want %s", misfit.Field, misfit.Value, jsonKind(misfit))
	case errors.As(err, &syntax):
		return fmt.Errorf("the body is not JSON, at byte %d: %w", syntax.Offset, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the body ends before the job does")
	}
	return err
}

// jsonKind says how the value of a setting is written in JSON.
func jsonKind(misfit *json.UnmarshalTypeError) string {
	switch misfit.Type.String() {
	case "crawler.Duration":
		return `a string such as "500ms"`
	case "crawler.Size":
		return `a string such as "10MB"`
	}
	switch misfit.Type.Kind().String() {
	case "bool":
		return "true or false"
	case "slice":
		return "an array"
	case "string":
		return "a string"
	}
	return "a whole number"
}

// decodeYAML reads a job from a job file. A field that it does not know, or that
// is there twice, is an error with its line.
func decodeYAML(body io.Reader, job *crawler.Job) error {
	err := yaml.NewDecoder(body, yaml.Strict()).Decode(job)
	if err == nil || errors.Is(err, io.EOF) { // an empty file says nothing
		return nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return errors.New(yaml.FormatError(err, false, true))
}
