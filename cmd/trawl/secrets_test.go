package main_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// All contain "hunter2", which may appear only in requests.
const (
	secretKey      = "key-hunter2"
	secretPassword = "password-hunter2"
	secretProxy    = "proxy-hunter2"
	secretCookie   = "cookie-hunter2"
	basicSecret    = "YW5uOnBhc3N3b3JkLWh1bnRlcjI=" // ann:password-hunter2
)

// loginProxy is an HTTP proxy that requires a login and supports CONNECT.
func loginProxy(t testing.TB) (url string, tunnels *atomic.Int64) {
	t.Helper()
	tunnels = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if _, password, _ := login.BasicAuth(); r.Method != http.MethodConnect || password != secretProxy {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", r.RequestURI)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			there.Close()
			return
		}
		tunnels.Add(1)
		fmt.Fprint(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(there, here); there.Close() }()
		go func() { io.Copy(here, there); here.Close() }()
	}))
	t.Cleanup(s.Close)
	return s.URL, tunnels
}

// loginSite serves a host that requires all secrets, and another one that must receive none. The
// first links and redirects to the second.
func loginSite(t testing.TB, needsCookie bool) (site *testsite.Site, entered, leaked *atomic.Int64) {
	t.Helper()
	entered, leaked = new(atomic.Int64), new(atomic.Int64)
	inside := func(other string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, password, _ := r.BasicAuth()
			if password != secretPassword || r.Header.Get("X-Key") != secretKey ||
				r.Header.Get("Proxy-Authorization") != "" ||
				needsCookie && !strings.Contains(r.Header.Get("Cookie"), "a="+secretCookie) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			entered.Add(1)
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "given", Path: "/"})
			if r.URL.Path == "/away" {
				http.Redirect(w, r, other, http.StatusFound)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w, `<title>in</title><a href="/b">b</a><a href="/away">away</a><a href="%s">other</a>`, other)
		}
	}
	outside := func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if text := strings.Join(values, " "); strings.Contains(text, "hunter2") ||
				strings.Contains(text, basicSecret) || name == "Cookie" || name == "Authorization" {
				leaked.Add(1)
			}
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>out</title>")
	}
	site = testsite.ServeLinked(t, 2, func(hosts []string) []http.Handler {
		return []http.Handler{inside("http://" + hosts[1] + "/c"), http.HandlerFunc(outside)}
	})
	return site, entered, leaked
}

// dump returns all keys and values of the fleet's Redis.
func dump(t testing.TB, ft *fleetTest) string {
	t.Helper()
	var all strings.Builder
	keys, err := ft.redis.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		text, err := ft.redis.Dump(t.Context(), key).Result()
		if err != nil {
			continue // the key has expired
		}
		all.WriteString(key + "\n" + text + "\n")
		for _, read := range []any{
			ft.redis.Get(t.Context(), key).Val(), ft.redis.HGetAll(t.Context(), key).Val(),
			ft.redis.LRange(t.Context(), key, 0, -1).Val(),
			ft.redis.SMembers(t.Context(), key).Val(), ft.redis.ZRange(t.Context(), key, 0, -1).Val(),
		} { // one of these fits the type; DUMP may compress values
			fmt.Fprintln(&all, read)
		}
	}
	return all.String()
}

func TestSecretsAppearOnlyInRequests(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	site, entered, leaked := loginSite(t, true)
	proxy, tunnels := loginProxy(t)
	ft := newFleetTest(t)
	at := strings.TrimSuffix(site.URL(0, ""), "/")
	ft.write("access.yaml", `
- hosts: ["`+at+`"]
  headers: {X-Key: '${TEST_KEY}'}
  cookies: {a: '${TEST_COOKIE}'}
  user: ann
  password: ${file:password}
- proxies: ["`+strings.Replace(proxy, "://", "://ann:${TEST_PROXY}@", 1)+`"]
`)
	ft.write("password", secretPassword+"\n")
	ft.set("TEST_KEY", secretKey)
	ft.set("TEST_COOKIE", secretCookie)
	ft.set("TEST_PROXY", secretProxy)
	scheduler := ft.start("scheduler", "--listen", "127.0.0.1:0", "--log-level", "debug")
	worker := ft.start("worker", "--out", ft.Out, "--listen", "127.0.0.1:0", "--log-level", "debug", "--allow-cidr",
		"127.0.0.0/8", "--access", ft.path("access.yaml"))
	board := ft.start("dashboard", "--listen", "127.0.0.1:0")
	address := board.waitForAddress("http://")
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay, job.Cookies, job.Format = redistest.Name(t), crawler.ScopeAny, 0, true,
		[]string{"jsonl", "warc", "files"}
	job.Seeds = []string{site.URL(0, "/")}
	ft.Create(job)
	ft.write("waits.yaml", "name: waits\n")
	ft.run("job", "create", "waits.yaml").exits(done)
	refused := ft.run("seed", "waits", strings.Replace(site.URL(0, "/d"), "://", "://ann:"+secretPassword+"@", 1))
	if !strings.Contains(refused.stderr, "the setting access") {
		t.Errorf("for a seed with a password, trawl says: %s", refused.stderr)
	}
	ft.Done(job.Name)
	if entered.Load() < 3 || leaked.Load() > 0 || tunnels.Load() < 2 {
		t.Errorf("%d pages were authorized, %d requests to other hosts had secrets, %d tunnels were made",
			entered.Load(), leaked.Load(), tunnels.Load())
	}
	said := map[string]string{
		"the scheduler's log": scheduler.stderr.Text() + scheduler.stdout.Text(),
		"the worker's log":    worker.stderr.Text() + worker.stdout.Text(),
		"the dashboard's log": board.stderr.Text(), "trawl seed": refused.stderr + refused.stdout, "Redis": dump(t, ft),
		"trawl job show": ft.run("job", "show", job.Name, "--json").stdout,
		"trawl explain":  ft.run("explain", filepath.Join(ft.Out, job.Name), site.URL(0, "/")).stdout,
		"trawl audit":    ft.run("audit", filepath.Join(ft.Out, job.Name)).stdout,
	}
	for file, text := range decompressed(t, files(t, filepath.Join(ft.Out, job.Name))) {
		said[file] = text
	}
	for _, path := range []string{"/", "/jobs/" + job.Name, "/api/v1/jobs", "/api/v1/jobs/" + job.Name, "/metrics",
		"/asynq/api/queues"} {
		_, said["the dashboard's "+path] = get(t, address, path)
	}
	for what, text := range said {
		for _, secret := range []string{"hunter2", basicSecret} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s contains a secret: …%s…", what, text[max(0, i-60):min(len(text), i+20)])
			}
		}
	}
	all := strings.Join(values(said), "\n")
	for _, there := range []string{"Authorization: ***\r\n", "X-Key: ***\r\n", "Cookie: ***\r\n",
		`"proxy":"` + proxy + `"`, `"address":"` + strings.TrimPrefix(at, "http://")} {
		if !strings.Contains(all, there) {
			t.Errorf("no output contains %q", there)
		}
	}
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// decompressed decompresses the WARC files.
func decompressed(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	for name, text := range files {
		if strings.Contains(name, ".warc.gz") {
			r, err := gunzip(bufio.NewReader(strings.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = r
		}
	}
	return files
}

func TestALoginInASeedURLIsSentAndNotStored(t *testing.T) {
	t.Parallel()
	site, entered, leaked := loginSite(t, false)
	s := newShell(t)
	s.set("TEST_KEY", secretKey)
	url := strings.Replace(site.URL(0, "/"), "://", "://ann:"+secretPassword+"@", 1)
	end := s.run("crawl", url, "--scope", "any", "--allow-private", "--delay", "0", "--out", "site", "-v", "--header",
		"X-Key: ${TEST_KEY}", "--format", "jsonl,warc").exits(done)
	if entered.Load() < 3 || leaked.Load() > 0 {
		t.Errorf("%d pages were authorized, %d requests to other hosts had secrets; trawl said\n%s", entered.Load(),
			leaked.Load(), end.stderr)
	}
	kept := decompressed(t, files(t, s.path("site")))
	kept["trawl"] = end.stderr + end.stdout
	for what, text := range kept {
		if strings.Contains(text, "hunter2") || strings.Contains(text, basicSecret) {
			t.Errorf("%s contains a secret", what)
		}
	}
	if _, err := os.Stat(s.path("site")); err != nil {
		t.Error(err)
	}
}

func gunzip(r io.Reader) (string, error) {
	plain, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(plain)
	return string(text), err
}
