package commoncrawl

import (
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/internal/warc"
)

// object is a JSON object whose members keep their order. A member that occurs more than once
// becomes a list, as WAT has repeated headers.
type object []member

type member struct{ name, value string }

func (o *object) add(name, value string) { *o = append(*o, member{name, value}) }

// MarshalJSON writes the object.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		same := func(other member) bool { return other.name == m.name }
		if slices.ContainsFunc(o[:i], same) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(warc.AppendJSON(b, m.name), ':')
		if !slices.ContainsFunc(o[i+1:], same) {
			b = warc.AppendJSON(b, m.value)
			continue
		}
		separator := byte('[')
		for _, other := range o[i:] {
			if same(other) {
				b = warc.AppendJSON(append(b, separator), other.value)
				separator = ','
			}
		}
		b = append(b, ']')
	}
	return append(b, '}'), nil
}

// headers makes an object of header lines or named fields.
func headers(fields []warc.Field) object {
	o := object{}
	for _, f := range fields {
		o.add(f.Name, f.Value)
	}
	return o
}

// Metadata of a WAT file. Numbers are strings, as in those of Common Crawl.
type (
	metadata struct {
		Container container
		Envelope  envelope
	}
	container struct {
		Filename   string
		Compressed bool
		Offset     string
		Gzip       object `json:"Gzip-Metadata"`
	}
	envelope struct {
		Format       string
		HeaderLength string  `json:"WARC-Header-Length"`
		Header       object  `json:"WARC-Header-Metadata"`
		Payload      payload `json:"Payload-Metadata"`
	}
	payload struct {
		ContentType string   `json:"Actual-Content-Type"`
		Length      string   `json:"Actual-Content-Length"`
		Digest      string   `json:"Block-Digest"`
		Slop        string   `json:"Trailing-Slop-Length"`
		Response    response `json:"HTTP-Response-Metadata"`
	}
	response struct {
		Message       object        `json:"Response-Message"`
		HeadersLength string        `json:"Headers-Length"`
		Headers       object        `json:"Headers"`
		EntityLength  string        `json:"Entity-Length"`
		EntityDigest  string        `json:"Entity-Digest,omitempty"`
		EntitySlop    string        `json:"Entity-Trailing-Slop-Length"`
		HTML          *htmlMetadata `json:"HTML-Metadata,omitempty"`
	}
	htmlMetadata struct {
		Head  *htmlHead `json:",omitempty"`
		Links []object  `json:",omitempty"`
	}
	htmlHead struct {
		Base    *string  `json:",omitempty"`
		Title   *string  `json:",omitempty"`
		Link    []object `json:",omitempty"`
		Metas   []object `json:",omitempty"`
		Scripts []object `json:",omitempty"`
	}
)

// recordEnd is the size of the two line ends after the block of a record.
const recordEnd = 4

// WAT returns the block of the metadata record of the response, as JSON: where its record is
// (Container), and its named fields, HTTP headers, title, meta elements and links (Envelope).
// For a revisit, the metadata of the page are those of the payload that it refers to. The
// digest of the entity is left out if the record is larger than [MaxBlock].
func (a *Answer) WAT() ([]byte, error) {
	m := metadata{
		Container: container{
			Filename: a.Capture.File, Compressed: true, Offset: decimal(a.Capture.Offset),
			Gzip: gzipMetadata(a.Record.Member),
		},
		Envelope: envelope{
			Format: a.Record.Version, HeaderLength: decimal(a.Record.HeadLength), Header: headers(a.Record.Fields),
			Payload: payload{
				ContentType: a.Record.Get("Content-Type"), Length: decimal(a.Record.Length),
				Digest: a.Record.Digest.String(), Slop: decimal(recordEnd), Response: a.response(),
			},
		},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(m)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// response describes the HTTP message.
func (a *Answer) response() response {
	m := &a.message
	r := response{
		Message:       object{{"Version", m.version}, {"Status", m.status}, {"Reason", m.reason}},
		HeadersLength: decimal(m.headLength), Headers: headers(m.lines),
		EntityLength: decimal(a.Record.Length - m.headLength), EntitySlop: decimal(0),
	}
	if a.Record.Whole() {
		r.EntityDigest = warc.SHA1(sha1.Sum(m.entity)).String()
	}
	if a.view != nil {
		r.HTML = a.view.metadata()
	}
	return r
}

// metadata returns what WAT has of a page.
func (v *view) metadata() *htmlMetadata {
	m := &htmlMetadata{Links: v.hrefs}
	if v.base != nil || v.title != nil || len(v.metas)+len(v.links)+len(v.scripts) > 0 {
		m.Head = &htmlHead{v.base, v.title, v.links, v.metas, v.scripts}
	}
	return m
}

func gzipMetadata(m warc.Member) object {
	return object{
		{"Deflate-Length", decimal(m.Length)}, {"Header-Length", decimal(m.HeadLength)},
		{"Footer-Length", decimal(m.FootLength)}, {"Inflated-CRC", decimal(int64(m.CRC))},
		{"Inflated-Length", decimal(int64(m.Inflated))},
	}
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// pathOf names an attribute as WAT does: "A@/href".
func pathOf(element, attribute string) string { return strings.ToUpper(element) + "@/" + attribute }
