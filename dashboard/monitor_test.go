package dashboard

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// newMonitored is a dashboard server over asynq in a built-in Redis, with a task in queue "news".
func newMonitored(t testing.TB, change ...func(*Config, *http.Server)) *testDashboard {
	t.Helper()
	redis, err := asynq.ParseRedisURI(redistest.Builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	client := asynq.NewClient(redis)
	defer client.Close()
	task := asynq.NewTask("crawl:fetch", []byte(`{"job":"news","host":"<img src=x onerror=alert(1)>","epoch":1}`))
	if _, err := client.Enqueue(task, asynq.Queue("news"), asynq.TaskID("a.example:8080@1-x")); err != nil {
		t.Fatal(err)
	}
	return newTestDashboard(t, append(change, func(cfg *Config, _ *http.Server) { cfg.Asynq = redis })...)
}

func TestAsynqsWebUIIsMountedWhole(t *testing.T) {
	t.Parallel()
	s := newMonitored(t)
	s.get(t, "/asynq/api/queues").want(t, http.StatusOK, `"queue":"news"`, `"pending":1`)
	s.get(t, "/asynq/api/queues/news/pending_tasks").want(t, http.StatusOK, `"id":"a.example:8080@1-x"`)
	s.post(t, "/asynq/api/queues/news:pause", "", "").want(t, http.StatusNoContent)
	s.get(t, "/asynq/api/queues/news").want(t, http.StatusOK, `"paused":true`)
	if a := s.get(t, "/asynq"); a.header.Get("Location") != "/asynq/" {
		t.Errorf("/asynq responds with %d and Location %q", a.status, a.header.Get("Location"))
	}
}

// The name of the queue for seeds contains a colon, which has a meaning in the paths of the UI.
func TestTheQueueOfSeedsIsShownAndPaused(t *testing.T) {
	t.Parallel()
	redis, err := asynq.ParseRedisURI(redistest.Builtin(t))
	if err != nil {
		t.Fatal(err)
	}
	client := asynq.NewClient(redis)
	defer client.Close()
	task := asynq.NewTask("crawl:seed", []byte(`{"job":"news","urls":["https://a.example/"]}`))
	info, err := client.Enqueue(task, asynq.Queue("crawl:seed"))
	if err != nil {
		t.Fatal(err)
	}
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.Asynq = redis })
	s.get(t, "/asynq/api/queues").want(t, http.StatusOK, `"queue":"crawl:seed"`, `"pending":1`)
	for _, queue := range []string{"crawl:seed", "crawl%3Aseed"} {
		at := "/asynq/api/queues/" + queue
		s.get(t, at+"/pending_tasks").want(t, http.StatusOK, `"id":"`+info.ID+`"`, "https://a.example/")
		s.post(t, at+":pause", "", "").want(t, http.StatusNoContent)
		s.get(t, at).want(t, http.StatusOK, `"paused":true`)
		s.post(t, at+":resume", "", "").want(t, http.StatusNoContent)
		s.get(t, at).want(t, http.StatusOK, `"paused":false`)
	}
	s.post(t, "/asynq/api/queues/crawl:seed/pending_tasks/"+info.ID+":archive", "", "").want(t, http.StatusNoContent)
	s.post(t, "/asynq/api/queues/crawl:seed/archived_tasks/"+info.ID+":run", "", "").want(t, http.StatusNoContent)
	s.get(t, "/asynq/queues/crawl:seed").want(t, http.StatusOK, `id="root"`)
}

func TestThePageOfTheUIAsksNoOtherHost(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for _, path := range []string{"/asynq/", "/asynq/queues/news", "/asynq/queues/a.b", "/asynq/servers",
		"/asynq/static/nothing.js"} {
		a := s.get(t, path)
		a.want(t, http.StatusOK, `id="root"`, `FLAG_ROOT_PATH="\/asynq"`)
		if strings.Contains(a.body, "https://") || strings.Contains(a.body, "http://") {
			t.Errorf("%s links to another host", path)
		}
		if kind := a.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
			t.Errorf("%s is %q", path, kind)
		}
		if policy := a.header.Get("Content-Security-Policy"); strings.Count(policy, "'sha256-") != 2 ||
			strings.Contains(policy, "http") {
			t.Errorf("%s has the policy %q", path, policy)
		}
	}
}

func TestFilesOfTheUIHaveTheirTypes(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	page := s.get(t, "/asynq/").body
	for _, script := range []string{"2.", "main."} {
		_, rest, _ := strings.Cut(page, `src="/asynq/static/js/`+script)
		name, _, _ := strings.Cut(rest, `"`)
		a := s.get(t, "/asynq/static/js/"+script+name)
		a.want(t, http.StatusOK)
		if kind := a.header.Get("Content-Type"); kind != "application/javascript; charset=utf-8" ||
			len(a.body) < 100_000 {
			t.Errorf("%s is %d bytes of %q", name, len(a.body), kind)
		}
		if !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is not cacheable", name)
		}
	}
	if kind := s.get(t, "/asynq/favicon-32x32.png").header.Get("Content-Type"); kind != "image/png" {
		t.Errorf("an icon is %q", kind)
	}
}

func TestADashboardNeedsARedis(t *testing.T) {
	t.Parallel()
	if _, err := New(newFakeFleet(), Config{}); err == nil || !strings.Contains(err.Error(), "Asynq") {
		t.Error(err)
	}
}
