package dashboard

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// testDashboard is a dashboard of a fakeFleet, served on loopback.
type testDashboard struct {
	*fakeFleet
	*Dashboard
	url    string
	server *http.Server
}

// unusedRedis is the address of a Redis that is never contacted.
var unusedRedis = asynq.RedisClientOpt{Addr: "127.0.0.1:1"}

func newTestDashboard(t testing.TB, change ...func(*Config, *http.Server)) *testDashboard {
	t.Helper()
	cfg, server := Config{Asynq: unusedRedis}, newServer(nil)
	for _, c := range change {
		c(&cfg, server)
	}
	s := &testDashboard{fakeFleet: newFakeFleet(), server: server}
	var err error
	if s.Dashboard, err = New(s.fakeFleet, cfg); err != nil {
		t.Fatal(err)
	}
	s.longest = time.Hour // a busy machine reads slowly
	server.Handler = s.Handler()
	listener := &httptest.Server{Listener: httptest.NewUnstartedServer(nil).Listener, Config: server}
	listener.Start()
	s.url = listener.URL
	t.Cleanup(func() {
		s.live.end() // a browser may still listen to events, and the server would wait for it
		listener.Close()
		if err := s.Dashboard.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// job adds a running job with default settings.
func (s *testDashboard) job(t testing.TB, name string) {
	t.Helper()
	job := crawler.DefaultJob()
	job.Name = name
	if err := s.CreateClosed(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

// answer is the response to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request to the dashboard. header has names and values in turn; Host sets the host.
func (s *testDashboard) ask(t testing.TB, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// asks sends a request while the test continues. If the request fails, it fails the test and closes
// the channel without an answer.
func (s *testDashboard) asks(t testing.TB, method, path string, body io.Reader, header ...string) <-chan answer {
	t.Helper()
	answered := make(chan answer, 1)
	go func() {
		defer close(answered)
		answered <- s.ask(t, method, path, body, header...)
	}()
	return answered
}

func (s *testDashboard) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodGet, path, nil, header...)
}

// post sends a body. For a body without a type, kind is "".
func (s *testDashboard) post(t testing.TB, path, kind, body string, header ...string) answer {
	t.Helper()
	if kind != "" {
		header = append(header, "Content-Type", kind)
	}
	return s.ask(t, http.MethodPost, path, strings.NewReader(body), header...)
}

// want checks that the answer has the status and contains the texts.
func (a answer) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the answer does not contain %q:\n%s", text, a.body)
		}
	}
}

// wantError checks that the answer is an error in JSON that contains the texts.
func (a answer) wantError(t testing.TB, status int, texts ...string) {
	t.Helper()
	a.want(t, status)
	var p problem
	a.read(t, &p)
	for _, text := range texts {
		if !strings.Contains(p.Message, text) {
			t.Errorf("the error %q does not contain %q", p.Message, text)
		}
	}
	if p.Message == "" {
		t.Errorf("the answer has no error message: %s", a.body)
	}
}

// read decodes an answer in JSON.
func (a answer) read(t testing.TB, into any) {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type is %q, want application/json", kind)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}
