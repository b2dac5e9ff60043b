package dashboard

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// stage is a dashboard of a town, served on loopback.
type stage struct {
	*town
	*Dashboard
	url    string
	server *http.Server
}

// nowhere is a Redis that is never asked.
var nowhere = asynq.RedisClientOpt{Addr: "127.0.0.1:1"}

func newStage(t testing.TB, change ...func(*Config, *http.Server)) *stage {
	t.Helper()
	cfg, server := Config{Asynq: nowhere}, Server(nil)
	for _, c := range change {
		c(&cfg, server)
	}
	s := &stage{town: newTown(), server: server}
	var err error
	if s.Dashboard, err = New(s.town, cfg); err != nil {
		t.Fatal(err)
	}
	server.Handler = s.Handler()
	listener := &httptest.Server{Listener: httptest.NewUnstartedServer(nil).Listener, Config: server}
	listener.Start()
	s.url = listener.URL
	t.Cleanup(func() {
		listener.Close()
		if err := s.Dashboard.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// job adds a running job of defaults.
func (s *stage) job(t testing.TB, name string) {
	t.Helper()
	job := crawler.DefaultJob()
	job.Name = name
	if err := s.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask asks the dashboard. header has names and values in turn; Host is the host.
func (s *stage) ask(t testing.TB, method, path string, body io.Reader, header ...string) answer {
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

func (s *stage) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return s.ask(t, http.MethodGet, path, nil, header...)
}

// post sends a body; of a body without a type kind is "".
func (s *stage) post(t testing.TB, path, kind, body string, header ...string) answer {
	t.Helper()
	if kind != "" {
		header = append(header, "Content-Type", kind)
	}
	return s.ask(t, http.MethodPost, path, strings.NewReader(body), header...)
}

// want fails the test unless the answer has the status and holds the text.
func (a answer) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("answered %d, want %d: %s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the answer lacks %q:\n%s", text, a.body)
		}
	}
}

// wantError fails the test unless the answer is an error in JSON that says so.
func (a answer) wantError(t testing.TB, status int, texts ...string) {
	t.Helper()
	a.want(t, status)
	var p problem
	a.read(t, &p)
	for _, text := range texts {
		if !strings.Contains(p.Message, text) {
			t.Errorf("the error %q lacks %q", p.Message, text)
		}
	}
	if p.Message == "" {
		t.Errorf("no error is told: %s", a.body)
	}
}

// read reads an answer in JSON.
func (a answer) read(t testing.TB, into any) {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type is %q, want application/json", kind)
	}
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}
