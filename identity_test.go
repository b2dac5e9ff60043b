package trawl_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/verify"
)

// newProgramIdentity returns the identity of a program, read from a file, and a verifier of it.
func newProgramIdentity(t *testing.T) (*trawl.Identity, *verify.Verifier) {
	t.Helper()
	folder := identity.Folder(filepath.Join(t.TempDir(), "bot"))
	if _, err := folder.Create("https://bot.example", identity.Card{}); err != nil {
		t.Fatal(err)
	}
	id, err := trawl.LoadIdentity(filepath.Join(string(folder), identity.FileKey))
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.KeyOf(id.Key)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := json.Marshal(identity.NewDirectory(key))
	if err != nil {
		t.Fatal(err)
	}
	return id, &verify.Verifier{Keys: func(agent string) (verify.Keys, error) {
		if agent != "https://bot.example" {
			t.Errorf("the agent is %q, want https://bot.example", agent)
		}
		return verify.ParseKeys(directory)
	}}
}

func TestAProgramSignsItsRequests(t *testing.T) {
	t.Parallel()
	for _, alter := range []func(*trawl.Identity){
		func(*trawl.Identity) {},
		func(id *trawl.Identity) { id.Legacy = true },
		func(id *trawl.Identity) { id.WhenAsked = true },
	} {
		id, verifier := newProgramIdentity(t)
		alter(id)
		gate := &testsite.Gate{Verifier: verifier, Next: pageMap{"/": `<a href="/a">a</a>`, "/a": "a"},
			Refuse: testsite.RefuseWith(http.StatusForbidden, http.Header{"Accept-Signature": {"sig1=()"}})}
		b := newLocalSite(t, nil)
		b.job.Seeds = []string{testsite.Serve(t, gate).URL(0, "/")}
		b.cfg.Identity = id
		stats := b.crawl()
		signed, refused := gate.Requests()
		if unsigned := len(refused); stats.Pages() != 2 || len(signed) != 3 || (unsigned == 1) != id.WhenAsked ||
			unsigned > 1 {
			t.Errorf("%d pages; signed: %q; refused: %q", stats.Pages(), signed, refused)
		}
	}
}

func TestAnIdentityThatCannotSignIsNamed(t *testing.T) {
	t.Parallel()
	good, _ := newProgramIdentity(t)
	for want, id := range map[string]*trawl.Identity{
		"Config.Identity.Key: the private key has 0 bytes": {Agent: good.Agent},
		`Config.Identity: agent "bot"`:                     {Key: good.Key, Agent: "bot"},
	} {
		cfg := trawl.Config{Identity: id}
		if _, err := trawl.Crawl(t.Context(), trawl.NewJob("x", "https://site.example/"), cfg); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("Crawl: %v, want an error with %q", err, want)
		}
	}
	if _, err := trawl.LoadIdentity("nowhere.pem"); err == nil || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("LoadIdentity: %v, want an error that names the file", err)
	}
}

func TestTheKeyOfAProgramIsNotPrinted(t *testing.T) {
	t.Parallel()
	id, _ := newProgramIdentity(t)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, id, *id, trawl.Config{Identity: id})
	}
	if err := json.NewEncoder(&out).Encode(id); err != nil {
		t.Fatal(err)
	}
	plain := ed25519.PrivateKey(id.Key).Seed()
	for _, secret := range []string{fmt.Sprintf("%x", plain), strings.Trim(fmt.Sprint(plain), "[]"), string(plain)} {
		if strings.Contains(out.String(), secret) {
			t.Error("the key is printed")
		}
	}
	if !strings.Contains(out.String(), "identity of https://bot.example") {
		t.Errorf("the agent is not printed, but %s", out.String())
	}
}
