package dashboard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/textform"
)

// maxBody is the largest body that is read into memory, in bytes.
const maxBody = 16 << 20

// readJob reads a valid job from the body of a request. Missing settings have their
// defaults.
func readJob(w http.ResponseWriter, r *http.Request) (crawler.Job, error) {
	decode, err := jobDecoder(r)
	if err != nil {
		return crawler.Job{}, err
	}
	job := crawler.DefaultJob()
	body, err := unmarked(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return crawler.Job{}, unreadable(err)
	}
	if err := decode(body, &job); err != nil {
		return crawler.Job{}, unreadable(err)
	}
	if err := rules.Validate(job); err != nil {
		return crawler.Job{}, badRequest("%v", err)
	}
	if _, err := rules.SeedEntries(job); err != nil {
		return crawler.Job{}, badRequest("%v", err)
	}
	return job, nil
}

// unmarked skips a byte order mark, which Windows puts at the start of texts (RFC 8259,
// 8.1, and YAML 1.2.2, 5.2, allow readers to skip it).
func unmarked(body io.Reader) (io.Reader, error) {
	text := bufio.NewReader(body)
	head, err := text.Peek(len(byteOrderMark))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.Equal(head, byteOrderMark) {
		_, err = text.Discard(len(head))
		return text, err
	}
	return text, nil
}

// jobDecoder returns the decoder for the format of the job.
func jobDecoder(r *http.Request) (func(io.Reader, *crawler.Job) error, error) {
	switch mediaType(r) {
	case "", "application/json":
		return decodeJSON, nil
	case "application/yaml", "application/x-yaml", "text/yaml": // RFC 9512, and its deprecated aliases
		return decodeYAML, nil
	}
	return nil, wrongType(r, "application/json or application/yaml")
}

// mediaType returns the media type of the body, without parameters.
func mediaType(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return r.Header.Get("Content-Type")
	}
	return kind
}

func wrongType(r *http.Request, want string) *problem {
	return &problem{http.StatusUnsupportedMediaType,
		fmt.Sprintf("Content-Type %q is not supported: send %s", r.Header.Get("Content-Type"), want), nil}
}

// unreadable returns the problem of a body that cannot be decoded as a job.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &problem{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the job has more than %d bytes: create it with fewer seeds, and send the others to %s/jobs/{job}/seeds", tooLarge.Limit, apiRoot), nil}
	}
	return badRequest("%v", err)
}

// decodeJSON decodes a job. An unknown field is an error.
func decodeJSON(body io.Reader, job *crawler.Job) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	settings, keep := textform.Form(job) // Job decodes itself, without the decoder's options
	if err := decoder.Decode(settings); err != nil {
		return jsonTrouble(err)
	}
	keep()
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("the body has more than one job")
	}
	return nil
}

// jsonTrouble rewords an error of encoding/json for the author of the job.
func jsonTrouble(err error) error {
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s is not a setting of a job", field)
	}
	var misfit *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &misfit) && misfit.Field == "":
		return fmt.Errorf("a job is an object, not a JSON %s", misfit.Value)
	case errors.As(err, &misfit):
		return fmt.Errorf("%s: a JSON %s is not valid here: want %s", misfit.Field, misfit.Value, jsonKind(misfit))
	case errors.As(err, &syntax):
		return fmt.Errorf("the body is not JSON, at byte %d: %w", syntax.Offset, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the body ends before the job does")
	}
	return err
}

// jsonKind describes how to write the value of a setting in JSON.
func jsonKind(misfit *json.UnmarshalTypeError) string {
	switch misfit.Type {
	case reflect.TypeFor[textform.Duration](), reflect.TypeFor[textform.AutoDuration]():
		return `a string such as "500ms"`
	case reflect.TypeFor[crawler.Size]():
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

// decodeYAML decodes a job from a job file. A field that is unknown, or occurs twice, is an
// error that names the line.
func decodeYAML(body io.Reader, job *crawler.Job) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if err := setting.CheckYAML(text); err != nil {
		return fmt.Errorf("the job cannot be read as YAML: %w", err)
	}
	if err := setting.CheckOneDocument(text); err != nil {
		return err
	}
	if err := setting.CheckKeys(text); err != nil {
		return err
	}
	settings, keep := textform.Form(job)
	err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(settings)
	keep()
	if err == nil || errors.Is(err, io.EOF) { // an empty file has no settings
		return nil
	}
	const longest = 4 << 10 // the error quotes the line
	message := yaml.FormatError(err, false, true)
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	return errors.New(message)
}
