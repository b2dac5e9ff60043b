package main_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
	"github.com/trawlcrawler/trawl/internal/verify"
)

// signedSite is a site that lets in only requests that are signed by the keys in the directory of
// an identity.
type signedSite struct {
	*testsite.Gate
	url string
}

// newSignedSite creates the identity "bot" and a site with some pages, whose gate refuses others
// with a status and headers.
func newSignedSite(t *testing.T, s *shell, status int, header http.Header) *signedSite {
	t.Helper()
	identityCommand{"new", "--agent", "https://bot.example", "--out", "bot"}.run(s, done)
	mux := http.NewServeMux()
	for path, body := range map[string]string{
		"/{$}":        `<title>home</title><a href="/moved">a</a><a href="/page">b</a>`,
		"/page":       `<title>page</title>`,
		"/end":        `<title>end</title>`,
		"/robots.txt": "User-agent: *\nDisallow: /private\n",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/robots.txt" {
				w.Header().Set("Content-Type", "text/html")
			}
			w.Write([]byte(body))
		})
	}
	mux.Handle("/moved", http.RedirectHandler("/further", http.StatusFound))
	mux.Handle("/further", http.RedirectHandler("/end", http.StatusMovedPermanently))
	gate := &testsite.Gate{
		Verifier: &verify.Verifier{Keys: publishedBy(s)}, Next: mux, Refuse: testsite.RefuseWith(status, header)}
	return &signedSite{gate, testsite.Serve(t, gate).URL(0, "")}
}

// publishedBy returns the keys in the directory of the identity "bot", as they are now.
func publishedBy(s *shell) func(string) (verify.Keys, error) {
	return func(string) (verify.Keys, error) {
		text, err := os.ReadFile(s.path("bot/directory.json"))
		if err != nil {
			return nil, err
		}
		return verify.ParseKeys(text)
	}
}

// wantAllSigned checks that all requests were let in, and that there were n.
func (site *signedSite) wantAllSigned(t *testing.T, n int) {
	t.Helper()
	if signed, refused := site.Requests(); len(signed) != n || len(refused) > 0 {
		t.Errorf("%d signed requests: %q; refused: %q; want %d and none", len(signed), signed, refused, n)
	}
}

var asksForSignature = http.Header{"Accept-Signature": {`sig1=("@authority" "signature-agent");tag="web-bot-auth"`}}

// sitePages is how many requests a crawl of a signed site takes: robots.txt, three pages and two
// redirects.
const sitePages = 6

func TestACrawlSignsEveryRequestAndWritesNoSignature(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"dictionary", "string"} {
		s := newShell(t)
		site := newSignedSite(t, s, http.StatusForbidden, nil)
		end := s.run("crawl", site.url+"/", "--delay", "0", "--out", "site", "--format", "jsonl,warc", "--verbose",
			"--identity", "bot/key.pem", "--signature-form", form).exits(done)
		site.wantAllSigned(t, sitePages)
		for _, r := range warctest.Open(t, s.path("site")).Of("request") {
			if text := string(r.Block); !strings.Contains(text, "Signature-Input: ***\r\n") ||
				!strings.Contains(text, `"https://bot.example"`) || strings.Contains(text, "nonce") {
				t.Errorf("a recorded request is\n%s", text)
			}
		}
		wantNoSignature(t, s.path("site"), end)
	}
}

// wantNoSignature checks that no file of a crawl and nothing that it printed has a nonce.
func wantNoSignature(t *testing.T, dir string, end commandResult) {
	t.Helper()
	texts := map[string]string{"the output": end.stdout, "the log": end.stderr}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range texts {
		if strings.Contains(text, "nonce=") || strings.Contains(text, "sig1=:") || strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("%s has a signature", where)
		}
	}
}

func TestACrawlSignsWhenItIsAsked(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests} {
		s := newShell(t)
		site := newSignedSite(t, s, status, asksForSignature)
		s.run("crawl", site.url+"/", "--delay", "20ms", "--out", "site", "--identity", "bot/key.pem", "--sign",
			"when-asked").exits(done)
		signed, refused := site.Requests()
		if len(signed) != sitePages || len(refused) != 1 || !strings.HasPrefix(refused[0], "GET /robots.txt: not signed") {
			t.Errorf("%d: signed: %q; refused: %q; want only the first request refused", status, signed, refused)
		}
		if end := s.run("audit", "site").exits(done); !strings.Contains(end.stdout, "no violation") {
			t.Errorf("%d: the audit says\n%s", status, end.stdout)
		}
	}
}

func TestACrawlWithAnotherKeyOrNoneIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site := newSignedSite(t, s, http.StatusForbidden, asksForSignature)
	identityCommand{"new", "--agent", "https://bot.example", "--out", "other"}.run(s, done)
	for _, args := range [][]string{
		{"--identity", "other/key.pem"}, {"--identity", "bot/key.pem", "--sign", "never"}, nil,
	} {
		args = append([]string{"fetch", site.url + "/", "--delay", "0", "--retries", "0", "--robots-tries", "1",
			"--restart", "--out", "-"}, args...)
		s.run(args...).exits(nothing)
	}
	signed, refused := site.Requests()
	text := strings.Join(refused, "\n")
	if len(signed) > 0 || !strings.Contains(text, "unknown key") || !strings.Contains(text, "not signed") {
		t.Errorf("signed: %q; refused: %q", signed, refused)
	}
}

func TestOtherCommandsSignToo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.set("TRAWL_IDENTITY", "bot/key.pem")
	site := newSignedSite(t, s, http.StatusForbidden, nil)
	s.run("fetch", site.url+"/page", "--delay", "0", "--out", "-").exits(done)
	s.run("extract", site.url+"/page", "--select", "title=title").exits(done)
	site.wantAllSigned(t, 4) // with robots.txt
	s.run("check", site.url+"/", "--delay", "0", "--out", "check").exits(done)
	site.wantAllSigned(t, 4+sitePages)
}

func TestAKeyIsRotatedWithoutAGap(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site := newSignedSite(t, s, http.StatusForbidden, nil)
	old, err := os.ReadFile(s.path("bot/key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path("old.pem"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	fetch := func(key string) commandResult {
		return s.run("fetch", site.url+"/page", "--delay", "0", "--retries", "0", "--restart", "--out", "-",
			"--identity", key)
	}
	fetch("old.pem").exits(done)
	identityCommand{"rotate", "bot"}.run(s, done)
	fetch("old.pem").exits(done) // a worker that still has it
	fetch("bot/key.pem").exits(done)
	identityCommand{"rotate", "--drop", "bot"}.run(s, done)
	fetch("bot/key.pem").exits(done)
	site.wantAllSigned(t, 8)
	fetch("old.pem").exits(nothing)
}

func TestAWorkerSignsItsRequests(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site := newSignedSite(t, s, http.StatusForbidden, nil)
	f := &seedFleet{s, redistest.New(t), redistest.Name(t)}
	f.write("job.yaml", "name: "+f.job+"\nseeds: ['"+site.url+"/']\ndelay: 0s\nretries: 0\nidentity: bot/key.pem\n")
	if end := f.run("job", "create", "job.yaml", "--redis", f.redis).exits(done); !strings.Contains(end.stderr,
		"identity is ignored") {
		t.Errorf("job create prints %q, want that the workers have their own identity", end.stderr)
	}
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out", "--allow-cidr", "127.0.0.0/8",
		"--identity", "bot/key.pem")
	f.start("job", "watch", f.job, "--redis", f.redis).waitSoon().exits(done)
	site.wantAllSigned(t, sitePages)
}
