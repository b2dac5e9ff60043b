package warctest

import (
	"maps"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A rule checks each record, or the archive as a whole.
type rule func(t testing.TB, a *Archive)

// Rules are the checks by the IDs of the conformance data. Those that need a server of their own,
// or a kill, are tested elsewhere, as the comments say; here every file is checked as far as
// possible.
var Rules = map[string]rule{
	"version":     func(testing.TB, *Archive) {}, // checked by parse
	"crlf":        func(testing.TB, *Archive) {}, // checked by parse
	"length":      func(testing.TB, *Archive) {}, // checked by parse
	"gzip-member": func(testing.TB, *Archive) {}, // checked by Open
	"concurrency": func(testing.TB, *Archive) {}, // checked by Open
	// By tests of rotation; parse checks that a record is never split.
	"size":              func(testing.TB, *Archive) {},
	"crash":             func(testing.TB, *Archive) {}, // by tests that kill
	"failed":            each(hasAnswer, "response", "revisit"),
	"mandatory":         each(mandatory),
	"id-form":           ids,
	"date":              each(date),
	"same-date":         concurrentTo(sameDate),
	"uri-bare":          each(bareURI),
	"uri-required":      each(needsURI),
	"uri-wire":          each(asksForURI, "request"),
	"types":             each(knownType),
	"warcinfo":          warcinfoFirst,
	"warcinfo-name":     each(warcinfoName),
	"warcinfo-id":       each(no("WARC-Warcinfo-ID")),
	"ct-resp":           each(contentType("application/http; msgtype=response", "HTTP/1."), "response", "revisit"),
	"ct-req":            each(request, "request"),
	"transfer-coding":   each(bodyIsWhole, "response"),
	"http2":             each(contentType("application/http; msgtype=response", "HTTP/1."), "response", "revisit"),
	"payload":           each(payloadDigest, "response"),
	"payload-digest":    each(payloadDigest, "response"),
	"block-digest":      each(blockDigest),
	"concurrent":        requestsHaveAnswers,
	"ip":                each(address, "response", "revisit", "request", "metadata"),
	"truncated":         each(truncated),
	"trunc-length":      func(testing.TB, *Archive) {}, // checked by parse
	"ident-type":        each(no("WARC-Identified-Payload-Type")),
	"revisit-identical": each(revisit, "revisit"),
	"revisit-304":       each(revisit, "revisit"),
	"revisit-truncated": each(revisit, "revisit"),
	"metadata":          each(metadata, "metadata"),
	"segment":           each(no("WARC-Segment-Number")),
	"gzip-ext":          names,
	"encoding":          each(utf8Head),
	"no-extra-colon":    each(noDNS),
	"cdx":               Index,
	"wacz":              func(testing.TB, *Archive) {}, // none is written
}

// Check checks the archive against all rules.
func (a *Archive) Check(t testing.TB) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(Rules)) {
		Rules[id](t, a)
	}
}

// each checks the records of some types, or all. A check returns what is wrong, or "".
func each(check func(*Archive, *Record) string, types ...string) rule {
	return func(t testing.TB, a *Archive) {
		t.Helper()
		for _, r := range a.Records {
			if len(types) > 0 && !slices.Contains(types, r.Type()) {
				continue
			}
			if wrong := check(a, r); wrong != "" {
				t.Errorf("%s: %s", r, wrong)
			}
		}
	}
}

func mandatory(_ *Archive, r *Record) string {
	for _, name := range []string{"WARC-Record-ID", "Content-Length", "WARC-Date", "WARC-Type"} {
		if len(r.Fields[strings.ToLower(name)]) != 1 {
			return "it has not one " + name
		}
	}
	return ""
}

var uuid = regexp.MustCompile(`^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$`)

func ids(t testing.TB, a *Archive) {
	t.Helper()
	seen := make(map[string]bool)
	for _, r := range a.Records {
		id := r.Get("WARC-Record-ID")
		if !uuid.MatchString(id) || seen[id] {
			t.Errorf("%s: the ID %q is not a UUID, or not unique", r, id)
		}
		seen[id] = true
	}
}

var w3cdtf = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$`)

func date(_ *Archive, r *Record) string {
	if _, err := time.Parse(time.RFC3339Nano, r.Get("WARC-Date")); err != nil ||
		!w3cdtf.MatchString(r.Get("WARC-Date")) {
		return "the date is " + r.Get("WARC-Date")
	}
	return ""
}

// concurrentTo checks pairs of records of one capture.
func concurrentTo(check func(r, other *Record) string) rule {
	return each(func(a *Archive, r *Record) string {
		for _, id := range r.Fields["warc-concurrent-to"] {
			other := a.ByID(id)
			if other == nil || other.File != r.File {
				return "it is concurrent to " + id + ", which is not in its file"
			}
			if wrong := check(r, other); wrong != "" {
				return wrong
			}
		}
		return ""
	})
}

func sameDate(r, other *Record) string {
	for _, name := range []string{"WARC-Date", "WARC-Target-URI", "WARC-IP-Address"} {
		if r.Get(name) != other.Get(name) {
			return "its " + name + " is not that of the record that it is concurrent to"
		}
	}
	return ""
}

func bareURI(_ *Archive, r *Record) string {
	uri := r.Get("WARC-Target-URI")
	if u, err := url.Parse(uri); uri != "" && (err != nil || !u.IsAbs() || u.Fragment != "" ||
		strings.ContainsAny(uri, "<> \t")) {
		return "no URI"
	}
	return ""
}

func needsURI(_ *Archive, r *Record) string {
	if (r.Get("WARC-Target-URI") == "") != (r.Type() == "warcinfo") {
		return "WARC-Target-URI is missing, or out of place"
	}
	return ""
}

func asksForURI(_ *Archive, r *Record) string {
	uri := r.Get("WARC-Target-URI")
	_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(uri, "http://"), "https://"), "/")
	if target := strings.Split(r.HTTP.First, " ")[1]; target != "/"+path && target != uri {
		return "it asks for " + target
	}
	return ""
}

func knownType(_ *Archive, r *Record) string {
	if !slices.Contains([]string{"warcinfo", "response", "request", "metadata", "revisit"}, r.Type()) {
		return "a type that is not written"
	}
	return ""
}

func warcinfoFirst(t testing.TB, a *Archive) {
	t.Helper()
	for _, r := range a.Records {
		if (r.Type() == "warcinfo") != (r.Offset == 0) {
			t.Errorf("%s: the first record of a file, and no other, must be a warcinfo", r)
		}
		if r.Type() != "warcinfo" {
			continue
		}
		info, err := parseFields(string(r.Block), "\r\n")
		if err != nil || r.Get("Content-Type") != "application/warc-fields" ||
			info["format"][0] != "WARC File Format 1.1" {
			t.Errorf("%s: %v: %s", r, err, r.Block)
		}
		for _, name := range []string{"software", "conformsto", "hostname", "ispartof", "http-header-user-agent",
			"robots"} {
			if len(info[name]) != 1 || info[name][0] == "" {
				t.Errorf("%s: it does not have exactly one %s", r, name)
			}
		}
	}
}

func warcinfoName(_ *Archive, r *Record) string {
	if name := r.Get("WARC-Filename"); r.Type() == "warcinfo" && name != r.File || r.Type() != "warcinfo" &&
		name != "" {
		return "WARC-Filename is " + name
	}
	return ""
}

func no(name string) func(*Archive, *Record) string {
	return func(_ *Archive, r *Record) string {
		if r.Get(name) != "" {
			return name + " is not written"
		}
		return ""
	}
}

func contentType(want, begins string) func(*Archive, *Record) string {
	return func(_ *Archive, r *Record) string {
		if r.Get("Content-Type") != want || !strings.HasPrefix(string(r.Block), begins) {
			return "Content-Type is " + r.Get("Content-Type") + ", and the block begins with " + r.HTTP.First
		}
		return ""
	}
}

func request(a *Archive, r *Record) string {
	if len(r.HTTP.Fields["host"]) != 1 || len(r.HTTP.Fields["user-agent"]) != 1 || len(r.HTTP.Body) > 0 {
		return "no request: " + r.HTTP.Head
	}
	return contentType("application/http; msgtype=request", "GET ")(a, r)
}

func hasAnswer(_ *Archive, r *Record) string {
	if !regexp.MustCompile(`^HTTP/1\.[01] [1-5]\d\d( |$)`).MatchString(r.HTTP.First) {
		return "no answer of HTTP: " + r.HTTP.First
	}
	return ""
}

// bodyIsWhole compares the body with the length that its head declares.
func bodyIsWhole(_ *Archive, r *Record) string {
	m := r.HTTP
	chunked := strings.Join(m.Fields["transfer-encoding"], ",") == "chunked"
	length := m.Fields["content-length"]
	switch {
	case r.Get("WARC-Truncated") != "", strings.Contains(m.First, " 304"):
	case chunked && !strings.HasSuffix(string(m.Body), "\r\n\r\n"):
		return "the chunks have no end"
	case !chunked && len(length) > 0 && length[0] != strconv.Itoa(len(m.Body)):
		return "Content-Length is " + length[0] + " of a body of " + strconv.Itoa(len(m.Body))
	}
	return ""
}

func payloadDigest(_ *Archive, r *Record) string {
	if got, want := r.Get("WARC-Payload-Digest"), Digest(r.HTTP.Payload); got != want {
		return "WARC-Payload-Digest is " + got + ", want " + want
	}
	return ""
}

func blockDigest(_ *Archive, r *Record) string {
	if got, want := r.Get("WARC-Block-Digest"), Digest(r.Block); got != want {
		return "WARC-Block-Digest is " + got + ", want " + want
	}
	return ""
}

func requestsHaveAnswers(t testing.TB, a *Archive) {
	t.Helper()
	asked := make(map[string]bool)
	for _, r := range a.Of("request") {
		asked[r.Get("WARC-Concurrent-To")] = true
	}
	for _, r := range a.Captures() {
		if !asked[r.Get("WARC-Record-ID")] {
			t.Errorf("%s: no request is concurrent to it", r)
		}
		delete(asked, r.Get("WARC-Record-ID"))
	}
	if len(asked) > 0 {
		t.Errorf("requests are concurrent to records that are not responses: %v", asked)
	}
}

func address(_ *Archive, r *Record) string {
	if _, err := netip.ParseAddr(r.Get("WARC-IP-Address")); err != nil {
		return err.Error()
	}
	return ""
}

func truncated(_ *Archive, r *Record) string {
	why := r.Get("WARC-Truncated")
	if why != "" && (r.Type() != "response" || !slices.Contains([]string{"length", "time", "disconnect", "unspecified"},
		why)) {
		return "WARC-Truncated is " + why
	}
	return ""
}

func revisit(a *Archive, r *Record) string {
	was := a.ByID(r.Get("WARC-Refers-To"))
	for _, earlier := range a.Earlier {
		if was == nil {
			was = earlier.ByID(r.Get("WARC-Refers-To"))
		}
	}
	profile, _ := strings.CutPrefix(r.Get("WARC-Profile"), "http://netpreserve.org/warc/1.1/revisit/")
	switch {
	case profile != "identical-payload-digest" && profile != "server-not-modified":
		return "WARC-Profile is " + r.Get("WARC-Profile")
	case len(r.HTTP.Body) > 0:
		return "it has a body"
	case was == nil || was.Type() != "response":
		return "it refers to no response of this archive"
	case was.Get("WARC-Target-URI") != r.Get("WARC-Refers-To-Target-URI") ||
		was.Get("WARC-Date") != r.Get("WARC-Refers-To-Date"):
		return "URI or date are not those of what it refers to"
	case was.Get("WARC-Payload-Digest") != r.Get("WARC-Payload-Digest"):
		return "its payload is not that of what it refers to"
	}
	return ""
}

func metadata(_ *Archive, r *Record) string {
	fields, err := parseFields(string(r.Block), "\r\n")
	if err != nil || r.Get("WARC-Concurrent-To") == "" || len(fields["fetchtimems"]) != 1 {
		return "no metadata: " + string(r.Block)
	}
	return ""
}

// fileName is JOB-TIMESTAMP-SERIAL-WORKER.
var fileName = regexp.MustCompile(`^[^/\\]+-\d{17}-\d{5}-[^/\\]+\.warc\.gz$`)

func names(t testing.TB, a *Archive) {
	t.Helper()
	for _, name := range a.Files {
		if !fileName.MatchString(name) {
			t.Errorf("%q is not a valid name of a WARC file", name)
		}
	}
	left, _ := filepath.Glob(filepath.Join(a.Dir, "*.open"))
	parts, _ := filepath.Glob(filepath.Join(a.Dir, "*.part"))
	if left = append(left, parts...); len(left) > 0 {
		t.Errorf("files are still open: %q", left)
	}
	for _, name := range a.Files {
		if _, err := os.Stat(filepath.Join(a.Dir, strings.TrimSuffix(name, ".warc.gz")+".cdxj")); err != nil {
			t.Errorf("no index: %v", err)
		}
	}
}

func utf8Head(_ *Archive, r *Record) string {
	if !utf8.ValidString(r.Head) {
		return "its header is no UTF-8"
	}
	return ""
}

func noDNS(_ *Archive, r *Record) string {
	if strings.HasPrefix(r.Get("WARC-Target-URI"), "dns:") {
		return "answers of DNS are not written"
	}
	return ""
}
