package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// tracedSpan is a span as OTLP has it in JSON.
type tracedSpan struct {
	TraceID, SpanID, ParentSpanID, Name string
	Attributes                          []struct {
		Key   string
		Value map[string]string
	}
}

// of returns the value of an attribute.
func (s tracedSpan) of(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value["stringValue"] + a.Value["intValue"]
		}
	}
	return ""
}

// spanCollector accepts spans in JSON.
type spanCollector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []tracedSpan
}

func newSpanCollector(t *testing.T) *spanCollector {
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var got struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []tracedSpan }
			}
		}
		text, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(text, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s got %.200q: %v", r.URL.Path, text, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range got.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func TestACrawlTellsACollectorOfItsVisitsAndRequests(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	c := newSpanCollector(t)
	s := newShell(t)
	s.withRedis()
	s.set("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	s.set("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
	dead := closedAddress(t)
	s.run("crawl", site.URL(0, "/?sig=hunter2"), "http://"+dead+"/", "--job", "told", "--delay", "1ms",
		"--host-tries", "1").exits(done)
	visits, got := make(map[string]tracedSpan), make(map[string]int)
	for _, span := range c.spans {
		if span.Name == "visit" {
			visits[span.SpanID] = span
			got[fmt.Sprintf("visit of %s %s", span.of("server.address"), span.of("trawl.job"))]++
		}
	}
	for _, span := range c.spans {
		if span.Name == "visit" {
			continue
		}
		if visit := visits[span.ParentSpanID]; visit.TraceID != span.TraceID || visit.TraceID == "" {
			t.Errorf("%s of %s is below no visit", span.Name, span.of("url.full"))
		}
		if full := span.of("url.full"); strings.Contains(full, "hunter2") || !strings.HasPrefix(full, "http://") {
			t.Errorf("url.full is %q", full)
		}
		if span.of("server.port") == "" || span.of("server.address") != "127.0.0.1" {
			t.Errorf("%s goes to %q, %q", span.of("url.full"), span.of("server.address"), span.of("server.port"))
		}
		got[fmt.Sprintf("%s %s %s %s %s", span.Name, span.of("http.request.method"), span.of("trawl.request"),
			span.of("http.response.status_code"), span.of("error.type"))]++
	}
	for _, want := range []string{"visit of 127.0.0.1 told", "GET GET  200 ", "GET GET robots  connect"} {
		if got[want] == 0 {
			t.Errorf("no span is %q: %v", want, got)
		}
	}
	if n := len(got); n < 3 || n > 5 {
		t.Errorf("%d kinds of spans: %v", n, got)
	}
}

func TestACrawlWithoutItsCollectorIsTheSame(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	for _, variable := range [][2]string{{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://" + closedAddress(t)},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://hunter2@collector"}} {
		s := newShell(t)
		s.withRedis()
		s.set(variable[0], variable[1])
		r := s.run("crawl", site.URL(0, "/"), "--job", "alone", "--delay", "1ms", "--out", s.path("out")).exits(done)
		if strings.Contains(r.stderr, "hunter2") {
			t.Errorf("the login is printed: %s", r.stderr)
		}
		pages := 0
		for _, text := range files(t, s.path("out")) {
			pages += strings.Count(text, `"outcome":"fetched"`)
		}
		if pages != 3 {
			t.Errorf("%d pages were fetched, want 3", pages)
		}
	}
}
