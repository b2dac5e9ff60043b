package trace

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

// received is a span as a collector reads it.
type received struct {
	Trace, ID, Parent, Name string
	Kind                    int
	Attributes              map[string]string
	Failed                  bool
	Took                    bool // it ends after it starts
}

// collector is a server that reads what OTLP brings, in both encodings.
type collector struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	answers  []int // the status of the next responses; 200 when there is none
	requests []*http.Request
	batches  [][]received
	resource map[string]string
	changed  chan struct{}
}

func newCollector(t *testing.T, answers ...int) *collector {
	c := &collector{t: t, answers: answers, changed: make(chan struct{}, 1000)}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) receive(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			c.t.Error(err)
			return
		}
		body = unpacked
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return // the sender has gone
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() { c.changed <- struct{}{} }()
	c.requests = append(c.requests, r)
	if len(c.answers) > 0 {
		status := c.answers[0]
		c.answers = c.answers[1:]
		if status != http.StatusOK {
			http.Error(w, "not now", status)
			return
		}
	}
	var batch []received
	if r.Header.Get("Content-Type") == "application/json" {
		batch, c.resource = c.readJSON(text)
	} else {
		batch, c.resource = c.readProto(text)
	}
	c.batches = append(c.batches, batch)
}

func (c *collector) readJSON(text []byte) (all []received, resource map[string]string) {
	type attributes []struct {
		Key   string
		Value struct{ StringValue, IntValue *string }
	}
	var got struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes attributes }
			ScopeSpans []struct {
				Spans []struct {
					TraceID, SpanID, ParentSpanID, Name string
					Kind                                int
					StartTimeUnixNano, EndTimeUnixNano  string
					Attributes                          attributes
					Status                              struct{ Code int }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		c.t.Errorf("%s: %v", text, err)
		return nil, nil
	}
	read := func(list attributes) map[string]string {
		m := make(map[string]string)
		for _, a := range list {
			switch {
			case a.Value.StringValue != nil:
				m[a.Key] = *a.Value.StringValue
			case a.Value.IntValue != nil:
				m[a.Key] = "#" + *a.Value.IntValue
			}
		}
		return m
	}
	for _, s := range got.ResourceSpans[0].ScopeSpans[0].Spans {
		start, _ := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
		end, _ := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
		all = append(all, received{s.TraceID, s.SpanID, s.ParentSpanID, s.Name, s.Kind, read(s.Attributes),
			s.Status.Code == 2, start > 0 && end >= start})
	}
	return all, read(got.ResourceSpans[0].Resource.Attributes)
}

// fields calls do with each field of a message of protobuf: its bytes, or its number.
func (c *collector) fields(message []byte, do func(field protowire.Number, text []byte, number uint64)) {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			c.t.Errorf("a tag: %v", protowire.ParseError(n))
			return
		}
		message = message[n:]
		var text []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var small uint32
			small, n = protowire.ConsumeFixed32(message)
			number = uint64(small)
		}
		if n < 0 {
			c.t.Errorf("field %d: %v", field, protowire.ParseError(n))
			return
		}
		message = message[n:]
		do(field, text, number)
	}
}

func (c *collector) readProto(text []byte) (all []received, resource map[string]string) {
	attribute := func(m map[string]string, text []byte) {
		var key, value string
		c.fields(text, func(f protowire.Number, text []byte, _ uint64) {
			if f == 1 {
				key = string(text)
				return
			}
			c.fields(text, func(f protowire.Number, text []byte, number uint64) {
				if value = string(text); f == 3 {
					value = fmt.Sprintf("#%d", int64(number))
				}
			})
		})
		m[key] = value
	}
	span := func(text []byte) {
		s := received{Attributes: make(map[string]string)}
		var start, end uint64
		c.fields(text, func(f protowire.Number, text []byte, number uint64) {
			switch f {
			case 1:
				s.Trace = hex.EncodeToString(text)
			case 2:
				s.ID = hex.EncodeToString(text)
			case 4:
				s.Parent = hex.EncodeToString(text)
			case 5:
				s.Name = string(text)
			case 6:
				s.Kind = int(number)
			case 7:
				start = number
			case 8:
				end = number
			case 9:
				attribute(s.Attributes, text)
			case 15:
				s.Failed = true
			}
		})
		s.Took = start > 0 && end >= start
		all = append(all, s)
	}
	resource = make(map[string]string)
	c.fields(text, func(_ protowire.Number, text []byte, _ uint64) {
		c.fields(text, func(f protowire.Number, text []byte, _ uint64) {
			c.fields(text, func(inner protowire.Number, text []byte, _ uint64) {
				switch {
				case f == 1 && inner == 1:
					attribute(resource, text)
				case f == 2 && inner == 2:
					span(text)
				}
			})
		})
	})
	return all, resource
}

// spans returns all spans that have arrived.
func (c *collector) spans() (all []received) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, batch := range c.batches {
		all = append(all, batch...)
	}
	return all
}

// tracer returns a tracer with an environment of pairs of a name and a value.
func tracer(t *testing.T, pairs ...string) *Tracer {
	t.Helper()
	tr, err := fromPairs(pairs...)
	if err != nil || tr == nil {
		t.Fatalf("there is no tracer: %v", err)
	}
	return tr
}

func fromPairs(pairs ...string) (*Tracer, error) {
	variables := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		variables[pairs[i]] = pairs[i+1]
	}
	return FromEnvironment(func(name string) string { return variables[name] }, Process{"1.2", "w1"}, nil)
}

func TestSpansArriveInBothEncodings(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"http/json", "http/protobuf", ""} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			c := newCollector(t)
			tr := tracer(t, "OTEL_EXPORTER_OTLP_ENDPOINT", c.URL+"/base/", "OTEL_EXPORTER_OTLP_PROTOCOL", protocol,
				"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-scope=1",
				"OTEL_SERVICE_NAME", "news", "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=no")
			visit := tr.Start("a.test", "visit")
			visit.Set(Text("trawl.job", "shop"), Int("trawl.visit.pages", -3))
			get := visit.Start("GET", Client)
			get.Fail("no such host")
			get.End()
			visit.End()
			tr.Close()
			got := c.spans()
			if len(got) != 2 {
				t.Fatalf("%d spans arrived, want 2", len(got))
			}
			want := []received{
				{Trace: got[1].Trace, ID: got[0].ID, Parent: got[1].ID, Name: "GET", Kind: 3, Attributes: map[string]string{},
					Failed: true, Took: true},
				{Trace: got[1].Trace, ID: got[1].ID, Name: "visit", Kind: 1, Took: true,
					Attributes: map[string]string{"trawl.job": "shop", "trawl.visit.pages": "#-3"}},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			if len(got[0].Trace) != 32 || len(got[0].ID) != 16 || got[0].ID == got[1].ID {
				t.Errorf("IDs: %+v", got)
			}
			if r := c.requests[0]; r.URL.Path != "/base/v1/traces" || r.Header.Get("Api-Key") != "a b" ||
				r.Header.Get("X-Scope") != "1" {
				t.Errorf("%s got the headers %v", r.URL.Path, r.Header)
			}
			for key, value := range map[string]string{"service.name": "news", "service.instance.id": "w1",
				"service.version": "1.2", "deployment.environment.name": "test"} {
				if c.resource[key] != value {
					t.Errorf("%s is %q, want %q", key, c.resource[key], value)
				}
			}
			if sent, dropped := tr.Counts(); sent != 2 || dropped != 0 {
				t.Errorf("%d sent, %d dropped", sent, dropped)
			}
		})
	}
}

func TestABatchIsSentWhenItIsFull(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	tr := tracer(t, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", c.URL+"/here", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10",
		"OTEL_BSP_SCHEDULE_DELAY", "16000000")
	for range 25 {
		tr.Start("a.test", "visit").End()
	}
	for range 2 {
		<-c.changed
	}
	tr.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	all := 0
	for _, batch := range c.batches {
		if len(batch) > 10 {
			t.Errorf("a batch has %d spans", len(batch))
		}
		all += len(batch)
	}
	if all != 25 || c.requests[0].URL.Path != "/here" {
		t.Errorf("%d spans arrived at %s", all, c.requests[0].URL.Path)
	}
}

func TestACollectorThatIsAwayCostsOnlySpans(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	tr := tracer(t, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+gone.Addr().String(), "OTEL_BSP_MAX_QUEUE_SIZE", "8")
	for range 1000 { // faster than anything is sent
		tr.Start("a.test", "visit").End()
	}
	tr.Close()
	if sent, dropped := tr.Counts(); sent != 0 || dropped != 1000 {
		t.Errorf("%d sent, %d dropped, want all 1000", sent, dropped)
	}
	tr.Start("a.test", "visit").End() // after the end it is dropped as well
	if _, dropped := tr.Counts(); dropped != 1001 {
		t.Errorf("%d dropped, want 1001", dropped)
	}
}

func TestABatchIsRepeatedIfTheCollectorMayTakeItLater(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 502, 503, 504, 400, 401, 302} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			c := newCollector(t, status, 200)
			e := newExporter(exporterConfig{url: c.URL, encode: encodeJSON, contentType: "application/json", delay: time.Hour,
				queue: 1, batch: 1, timeout: time.Hour, transport: http.DefaultTransport.(*http.Transport).Clone(),
				log: slog.New(slog.DiscardHandler), pauses: []time.Duration{time.Nanosecond}})
			e.add(&Span{name: "x", start: time.Now(), end: time.Now()})
			<-c.changed
			repeats := status == 429 || status > 500
			if repeats {
				<-c.changed
			}
			e.close()
			if sent, dropped := e.sent.Load(), e.dropped.Load(); sent != 1 && repeats || dropped != 1 && !repeats {
				t.Errorf("after %d, %d were sent and %d dropped", status, sent, dropped)
			}
		})
	}
}

func TestAHostIsTracedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.01, 0.25, 0.9} {
		tr, hosts := &Tracer{share: share}, 0
		for i := range 20_000 {
			host := fmt.Sprintf("host-%d.test", i)
			if tr.samples(host) {
				hosts++
				if other := (&Tracer{share: share}); !other.samples(host) {
					t.Errorf("%s is traced by one process only", host)
				}
				if more := (&Tracer{share: share + 0.05}); !more.samples(host) {
					t.Errorf("%s is not traced when more are", host)
				}
			}
		}
		if got := float64(hosts) / 20_000; got < share*0.8 || got > share*1.2 {
			t.Errorf("%.4f of the hosts are traced, want %v", got, share)
		}
	}
}

func TestTracesAreOffUnlessTheEnvironmentWantsThem(t *testing.T) {
	t.Parallel()
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for _, pairs := range [][]string{
		{}, {"OTEL_SERVICE_NAME", "news"}, {endpoint, " "},
		{endpoint, "http://127.0.0.1:1", "OTEL_SDK_DISABLED", "TRUE"},
		{endpoint, "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER", "none"},
		{endpoint, "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER", "always_off"},
		{endpoint, "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0"},
	} {
		if tr, err := fromPairs(pairs...); tr != nil || err != nil {
			t.Errorf("%q: got a tracer, or %v", pairs, err)
		}
	}
	tracer(t, "OTEL_TRACES_EXPORTER", "otlp").Close()
	for want, pair := range map[string][2]string{
		"want the URL of a collector":        {endpoint, "collector:4318"},
		`"grpc" is not supported`:            {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},
		"TRACES_HEADERS: want name=value":    {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "hunter2"},
		`"brotli" is not supported`:          {"OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"},
		`"soon" is out of range`:             {"OTEL_EXPORTER_OTLP_TIMEOUT", "soon"},
		`"jaeger_remote" is not supported`:   {"OTEL_TRACES_SAMPLER", "jaeger_remote"},
		`"-1" is out of range`:               {"OTEL_BSP_SCHEDULE_DELAY", "-1"},
		`"0" is out of range`:                {"OTEL_BSP_MAX_QUEUE_SIZE", "0"},
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE: \"": {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many"},
		"CERTIFICATE: open":                  {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/nothing/here.pem"},
	} {
		tr, err := fromPairs("OTEL_TRACES_EXPORTER", "otlp", pair[0], pair[1])
		if tr != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %q", pair, err, want)
		}
	}
	_, err := fromPairs(endpoint, "http://127.0.0.1:1", "OTEL_TRACES_SAMPLER", "traceidratio",
		"OTEL_TRACES_SAMPLER_ARG", "2")
	if err == nil || !strings.Contains(err.Error(), `"2" is not a share`) {
		t.Errorf("a share of 2: got %v", err)
	}
}

func TestWithoutATracerNothingIsAllocated(t *testing.T) {
	var tr *Tracer
	if n := testing.AllocsPerRun(1000, func() { useNoTracer(tr) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
	tr.Close()
	if sent, dropped := tr.Counts(); sent+dropped != 0 {
		t.Errorf("%d sent, %d dropped", sent, dropped)
	}
}

func useNoTracer(tr *Tracer) {
	visit := tr.Start("a.test", "visit")
	get := visit.Start("GET", Client)
	get.Set(Int("http.response.status_code", 200))
	get.Fail("")
	get.End()
	visit.End()
}

func BenchmarkNoTracer(b *testing.B) {
	b.ReportAllocs()
	var tr *Tracer
	for b.Loop() {
		useNoTracer(tr)
	}
}
