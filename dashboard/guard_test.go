package dashboard

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// guardedPaths has a path of each kind that needs the token.
var guardedPaths = []string{"/", "/api/v1/jobs", "/api/v1/openapi.json", "/api/nothing", "/metrics", "/asynq/",
	"/asynq/api/nothing", "/nothing"}

func withToken(cfg *Config, _ *http.Server) { cfg.Token = "open sesame" }

func TestNothingIsShownWithoutTheToken(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, withToken)
	for _, path := range guardedPaths {
		for _, header := range [][]string{
			nil,
			{"Authorization", "Bearer open"},
			{"Authorization", "Bearer "},
			{"Authorization", "open sesame"},
			{"Authorization", basic("admin", "")},
			{"Authorization", basic("open sesame", "")},
		} {
			a := s.get(t, path, header...)
			a.wantError(t, http.StatusUnauthorized, "token")
			if asks := strings.Join(a.header.Values("WWW-Authenticate"), "; "); !strings.Contains(asks,
				"Basic realm=") || !strings.Contains(asks, "Bearer realm=") {
				t.Errorf("%s asks for %q", path, asks)
			}
		}
	}
}

func TestTheTokenOpens(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, withToken)
	for name, value := range map[string]string{
		"as a bearer token":              "Bearer open sesame",
		"as a bearer token, lower case":  "bearer open sesame",
		"as the password of any user":    basic("admin", "open sesame"),
		"as the password without a user": basic("", "open sesame"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.get(t, "/api/v1/jobs", "Authorization", value).want(t, http.StatusOK)
			s.get(t, "/", "Authorization", value).want(t, http.StatusOK)
		})
	}
}

// basic returns the header of RFC 7617.
func basic(user, password string) string {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func TestHealthNeedsNoToken(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, withToken)
	s.get(t, "/healthz", "Host", "10.1.2.3:8080").want(t, http.StatusOK)
	s.get(t, "/readyz", "Host", "10.1.2.3:8080").want(t, http.StatusOK)
}

func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for name, header := range map[string][]string{
		"another site":      {"Sec-Fetch-Site", "cross-site"},
		"a sibling site":    {"Sec-Fetch-Site", "same-site"},
		"another origin":    {"Origin", "https://evil.example"},
		"another port":      {"Origin", "http://127.0.0.1:1"},
		"an opaque origin":  {"Origin", "null"},
		"forged same-site ": {"Sec-Fetch-Site", "cross-site", "Origin", s.url},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/api/v1/jobs", "/api/v1/jobs/news/cancel", seedsOfNews,
				"/asynq/api/queues/news:pause"} {
				s.post(t, path, "", "", header...).wantError(t, http.StatusForbidden, "another site")
			}
			s.ask(t, http.MethodDelete, "/api/v1/jobs/news", nil, header...).wantError(t, http.StatusForbidden)
			s.ask(t, http.MethodDelete, "/asynq/api/queues/news", nil, header...).wantError(t, http.StatusForbidden)
			s.get(t, "/", header...).want(t, http.StatusOK)
		})
	}
}

func TestOwnPagesAndProgramsMayChangeThings(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for _, header := range [][]string{nil, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
		{"Origin", s.url}} {
		s.post(t, "/api/v1/jobs/news/pause", "", "", header...).want(t, http.StatusOK)
	}
}

func TestOnLoopbackOnlyItsOwnNamesAreAnswered(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.Hosts = []string{"Trawl.example"} })
	for host, status := range map[string]int{
		"127.0.0.1":            http.StatusOK,
		"127.0.0.1:8080":       http.StatusOK,
		"127.9.9.9":            http.StatusOK,
		"[::1]:8080":           http.StatusOK,
		"[::ffff:127.0.0.1]":   http.StatusOK,
		"localhost:8080":       http.StatusOK,
		"LOCALHOST":            http.StatusOK,
		"trawl.localhost.":     http.StatusOK,
		"trawl.example:8080":   http.StatusOK,
		"evil.example":         http.StatusMisdirectedRequest,
		"evil.example:8080":    http.StatusMisdirectedRequest,
		"localhost.evil":       http.StatusMisdirectedRequest,
		"127.0.0.1.evil":       http.StatusMisdirectedRequest,
		"notlocalhost":         http.StatusMisdirectedRequest,
		"10.0.0.1":             http.StatusMisdirectedRequest,
		"my.trawl.example":     http.StatusMisdirectedRequest,
		"[::ffff:10.0.0.1]:80": http.StatusMisdirectedRequest,
	} {
		for _, path := range guardedPaths {
			if a := s.get(t, path, "Host",
				host); (a.status == http.StatusMisdirectedRequest) != (status == http.StatusMisdirectedRequest) {
				t.Errorf("%s of %q is answered %d", path, host, a.status)
			}
		}
	}
}

func TestOnOtherAddressesAnyHostNameIsAnswered(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "http://crawl.example/", nil)
	local := net.Addr(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80})
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	if p := newGuard(Config{}).refuses(r); p != nil {
		t.Error(p)
	}
}

func TestAReadOnlyDashboardChangesNothing(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.ReadOnly = true })
	s.job(t, "news")
	s.post(t, "/api/v1/jobs/news/cancel", "", "").wantError(t, http.StatusForbidden, "read-only")
	s.post(t, "/asynq/api/queues/news:pause", "", "").wantError(t, http.StatusForbidden, "read-only")
	s.ask(t, http.MethodDelete, "/api/v1/jobs/news", nil).wantError(t, http.StatusForbidden, "read-only")
	s.get(t, "/api/v1/jobs/news").want(t, http.StatusOK, `"state": "running"`)
	s.get(t, "/asynq/").want(t, http.StatusOK, `FLAG_READ_ONLY="true"`)
}

func TestEveryAnswerIsGuardedInBrowsers(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for _, path := range append(guardedPaths, "/healthz", "/readyz") {
		header := s.get(t, path).header
		if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") ||
			!strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"X-Frame-Options": "DENY"} {
			if got := header.Get(name); got != want {
				t.Errorf("%s has %s %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestWithoutATokenOnlyThisMachineMayListen(t *testing.T) {
	t.Parallel()
	for addr, open := range map[string]bool{
		"127.0.0.1:8080": true, "127.1.2.3:0": true, "[::1]:8080": true, "localhost:8080": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.1:8080": false, "crawl.example:80": false,
		"localhost.example:80": false,
	} {
		err := (Config{}).CheckListen(addr)
		if open != (err == nil) {
			t.Errorf("%s without a token: %v", addr, err)
		}
		if err != nil && (!strings.Contains(err.Error(), `"`+addr+`"`) || !strings.Contains(err.Error(), "token")) {
			t.Errorf("the error %v does not name the address and the remedy", err)
		}
		if err := (Config{Token: "secret"}).CheckListen(addr); err != nil {
			t.Errorf("with a token: %v", err)
		}
	}
	err := (Config{Token: "secret"}).CheckListen("8080")
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:8080") {
		t.Errorf("an address without a port: %v", err)
	}
}
