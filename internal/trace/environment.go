package trace

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Process says which process makes the spans.
type Process struct {
	Version  string // of Trawl
	Instance string // the name of the worker
}

// FromEnvironment returns a tracer as the variables of OpenTelemetry configure it, which getenv
// returns (OpenTelemetry, "Environment Variable Specification" and "OTLP exporter configuration").
// It returns nil unless a variable names a collector, or OTEL_TRACES_EXPORTER is "otlp". A value
// that cannot be used is an error; the tracer is nil then. log may be nil.
func FromEnvironment(getenv func(string) string, p Process, log *slog.Logger) (*Tracer, error) {
	e := environment(getenv)
	if !e.enabled() {
		return nil, nil
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	share, err := e.share()
	if err != nil || share == 0 {
		return nil, err
	}
	to, err := e.endpoint()
	if err != nil {
		return nil, err
	}
	c := exporterConfig{url: to.String(), log: log, resource: e.resource(p), version: p.Version}
	if c.encode, c.contentType, err = e.protocol(); err != nil {
		return nil, err
	}
	if c.header, err = e.headers(); err != nil {
		return nil, err
	}
	if c.gzip, err = e.compression(); err != nil {
		return nil, err
	}
	if c.timeout, err = e.duration(10*time.Second, exporterNames("TIMEOUT")...); err != nil {
		return nil, err
	}
	if c.delay, err = e.duration(5*time.Second, "OTEL_BSP_SCHEDULE_DELAY"); err != nil {
		return nil, err
	}
	if c.queue, err = e.count(2048, "OTEL_BSP_MAX_QUEUE_SIZE"); err != nil {
		return nil, err
	}
	if c.batch, err = e.count(512, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"); err != nil {
		return nil, err
	}
	if c.transport, err = e.transport(); err != nil {
		return nil, err
	}
	log.Info("visits are traced", "to", to.Redacted(), "share_of_hosts", share)
	return &Tracer{share: share, exporter: newExporter(c)}, nil
}

// environment returns the value of a variable; "" if it is not set. An empty variable counts as
// not set.
type environment func(string) string

// exporterNames returns the variables of a setting of the exporter: that for traces comes first.
func exporterNames(name string) []string {
	return []string{"OTEL_EXPORTER_OTLP_TRACES_" + name, "OTEL_EXPORTER_OTLP_" + name}
}

// first returns the value of the first variable that is set, and its name.
func (e environment) first(names ...string) (value, name string) {
	for _, name := range names {
		if value := strings.TrimSpace(e(name)); value != "" {
			return value, name
		}
	}
	return "", ""
}

// enabled reports whether spans are wanted.
func (e environment) enabled() bool {
	if strings.EqualFold(e("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	if exporter := e("OTEL_TRACES_EXPORTER"); exporter != "" {
		return exporter == "otlp"
	}
	value, _ := e.first(exporterNames("ENDPOINT")...)
	return value != ""
}

// share returns the share of hosts that the sampler takes.
func (e environment) share() (float64, error) {
	name := strings.TrimPrefix(cmp.Or(e("OTEL_TRACES_SAMPLER"), "always_on"), "parentbased_") // no span has a parent
	switch name {
	case "always_on":
		return 1, nil
	case "always_off":
		return 0, nil
	case "traceidratio":
		text := cmp.Or(e("OTEL_TRACES_SAMPLER_ARG"), "1")
		share, err := strconv.ParseFloat(text, 64)
		if err != nil || !(share >= 0 && share <= 1) {
			return 0, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %q is not a share of hosts: want 0 to 1", text)
		}
		return share, nil
	}
	return 0, fmt.Errorf("OTEL_TRACES_SAMPLER: %q is not supported: want always_on, always_off or traceidratio",
		e("OTEL_TRACES_SAMPLER"))
}

// endpoint returns the URL that spans are posted to: one for traces as it is, another with
// /v1/traces behind its path.
func (e environment) endpoint() (*url.URL, error) {
	text, name := e.first(exporterNames("ENDPOINT")...)
	if name == "" {
		text, name = "http://localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%s: want the URL of a collector, such as http://localhost:4318", name) // it may have a login
	}
	if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		u = u.JoinPath("v1", "traces")
	}
	return u, nil
}

// protocol returns how spans are encoded.
func (e environment) protocol() (encode encoding, contentType string, err error) {
	value, name := e.first(exporterNames("PROTOCOL")...)
	switch value {
	case "", "http/protobuf":
		return encodeProto, "application/x-protobuf", nil
	case "http/json":
		return encodeJSON, "application/json", nil
	}
	return nil, "", fmt.Errorf("%s: %q is not supported: want http/protobuf or http/json, and the collector's port for HTTP",
		name, value)
}

// headers returns the headers of each request: name=value, separated by commas, percent-encoded as
// in W3C Baggage.
func (e environment) headers() (http.Header, error) {
	value, name := e.first(exporterNames("HEADERS")...)
	all := make(http.Header)
	for pair := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, text, ok := strings.Cut(pair, "=")
		text, err := url.PathUnescape(strings.TrimSpace(text))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil { // the value may be a secret
			return nil, fmt.Errorf("%s: want name=value, separated by commas, with values percent-encoded", name)
		}
		all.Set(key, text)
	}
	return all, nil
}

// compression reports whether requests are compressed by gzip.
func (e environment) compression() (bool, error) {
	value, name := e.first(exporterNames("COMPRESSION")...)
	switch value {
	case "", "none":
		return false, nil
	case "gzip":
		return true, nil
	}
	return false, fmt.Errorf("%s: %q is not supported: want gzip or none", name, value)
}

// duration returns a time in milliseconds.
func (e environment) duration(usual time.Duration, names ...string) (time.Duration, error) {
	ms, err := e.count(int(usual.Milliseconds()), names...)
	return time.Duration(ms) * time.Millisecond, err
}

// count returns a positive number.
func (e environment) count(usual int, names ...string) (int, error) {
	value, name := e.first(names...)
	if name == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1<<24 {
		return 0, fmt.Errorf("%s: %q is out of range: want 1 to %d", name, value, 1<<24)
	}
	return n, nil
}

// transport returns the transport to the collector: with the certificate that the environment
// trusts besides, and the usual proxies.
func (e environment) transport() (http.RoundTripper, error) {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	file, name := e.first(exporterNames("CERTIFICATE")...)
	if name == "" {
		return t, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %w", name, errors.New(strconv.Quote(file)+" has no certificate: want PEM"))
	}
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	return t, nil
}

// resource returns the attributes of the process.
func (e environment) resource(p Process) []Attribute {
	all := map[string]string{
		"service.name": "trawl", "service.version": p.Version, "service.instance.id": p.Instance,
		"telemetry.sdk.name": "trawl", "telemetry.sdk.language": "go", "telemetry.sdk.version": p.Version,
	}
	for pair := range strings.SplitSeq(e("OTEL_RESOURCE_ATTRIBUTES"), ",") {
		key, value, ok := strings.Cut(pair, "=")
		if text, err := url.PathUnescape(strings.TrimSpace(value)); ok && err == nil {
			all[strings.TrimSpace(key)] = text
		}
	}
	if name := e("OTEL_SERVICE_NAME"); name != "" {
		all["service.name"] = name
	}
	var list []Attribute
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Text(key, all[key]))
	}
	return list
}
