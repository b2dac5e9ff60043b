package trace

import (
	"encoding/hex"
	"encoding/json"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// encoding encodes spans as an ExportTraceServiceRequest of OTLP 1, which begins with resource.
type encoding func(resource []Attribute, version string, spans []*Span) ([]byte, error)

// scopeName names what makes the spans.
const scopeName = "github.com/trawlcrawler/trawl"

// statusError is STATUS_CODE_ERROR of opentelemetry/proto/trace/v1/trace.proto.
const statusError = 2

// flagSampled is the only flag of W3C Trace Context, Level 1.
const flagSampled = 1

// encodeProto encodes in the binary form of protobuf. The numbers of fields are those of
// opentelemetry/proto/trace/v1/trace.proto, common/v1/common.proto and resource/v1/resource.proto.
func encodeProto(resource []Attribute, version string, spans []*Span) ([]byte, error) {
	var attributes, scope, scoped []byte
	for _, a := range resource {
		attributes = appendBytes(attributes, 1, protoAttribute(a))
	}
	scope = appendText(scope, 1, scopeName)
	scope = appendText(scope, 2, version)
	scoped = appendBytes(scoped, 1, scope)
	for _, s := range spans {
		scoped = appendBytes(scoped, 2, protoSpan(s))
	}
	all := appendBytes(nil, 1, attributes)
	all = appendBytes(all, 2, scoped)
	return appendBytes(nil, 1, all), nil
}

// protoSpan encodes a Span.
func protoSpan(s *Span) []byte {
	b := appendBytes(nil, 1, s.trace[:])
	b = appendBytes(b, 2, s.id[:])
	if s.parent != [8]byte{} {
		b = appendBytes(b, 4, s.parent[:])
	}
	b = appendText(b, 5, s.name)
	b = appendNumber(b, 6, uint64(s.kind))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 7, protowire.Fixed64Type), uint64(s.start.UnixNano()))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 8, protowire.Fixed64Type), uint64(s.end.UnixNano()))
	for _, a := range s.attributes {
		b = appendBytes(b, 9, protoAttribute(a))
	}
	if s.failed {
		status := []byte(nil)
		if s.failure != "" {
			status = appendText(status, 2, s.failure)
		}
		b = appendBytes(b, 15, appendNumber(status, 3, statusError))
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, 16, protowire.Fixed32Type), flagSampled)
}

// protoAttribute encodes a KeyValue.
func protoAttribute(a Attribute) []byte {
	var value []byte
	if a.isText {
		value = appendText(nil, 1, a.text)
	} else {
		value = appendNumber(nil, 3, uint64(a.number))
	}
	return appendBytes(appendText(nil, 1, a.Key), 2, value)
}

func appendBytes(b []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), value)
}

func appendText(b []byte, field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), value)
}

func appendNumber(b []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), value)
}

// encodeJSON encodes in JSON, as OTLP maps it: IDs in hexadecimal, 64-bit numbers as texts, enums
// as numbers.
func encodeJSON(resource []Attribute, version string, spans []*Span) ([]byte, error) {
	list := make([]any, len(spans))
	for i, s := range spans {
		list[i] = jsonSpan(s)
	}
	return json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{
		"resource": map[string]any{"attributes": jsonAttributes(resource)},
		"scopeSpans": []any{map[string]any{
			"scope": map[string]any{"name": scopeName, "version": version}, "spans": list,
		}},
	}}})
}

func jsonSpan(s *Span) map[string]any {
	span := map[string]any{
		"traceId": hex.EncodeToString(s.trace[:]), "spanId": hex.EncodeToString(s.id[:]),
		"name": s.name, "kind": s.kind, "flags": flagSampled,
		"startTimeUnixNano": strconv.FormatInt(s.start.UnixNano(), 10),
		"endTimeUnixNano":   strconv.FormatInt(s.end.UnixNano(), 10), "attributes": jsonAttributes(s.attributes),
	}
	if s.parent != [8]byte{} {
		span["parentSpanId"] = hex.EncodeToString(s.parent[:])
	}
	if s.failed {
		span["status"] = map[string]any{"code": statusError, "message": s.failure}
	}
	return span
}

func jsonAttributes(all []Attribute) []any {
	list := make([]any, len(all))
	for i, a := range all {
		value := map[string]any{"stringValue": a.text}
		if !a.isText {
			value = map[string]any{"intValue": strconv.FormatInt(a.number, 10)}
		}
		list[i] = map[string]any{"key": a.Key, "value": value}
	}
	return list
}
