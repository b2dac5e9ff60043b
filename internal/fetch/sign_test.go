package fetch

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/verify"
)

// newSigner returns a signer, and a verifier that knows its key.
func newSigner(t *testing.T, form identity.AgentForm) (*identity.Signer, *verify.Verifier) {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := identity.NewSigner(identity.Identity{Key: key, Agent: "https://bot.example"}, form)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := json.Marshal(identity.NewDirectory(key))
	if err != nil {
		t.Fatal(err)
	}
	return s, &verify.Verifier{Keys: func(string) (verify.Keys, error) { return verify.ParseKeys(directory) }}
}

// newGate returns a gate before a page and a redirect to it.
func newGate(v *verify.Verifier, refuse func(http.ResponseWriter)) *testsite.Gate {
	return &testsite.Gate{Verifier: v, Refuse: refuse, Next: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				http.Redirect(w, r, "/", http.StatusFound)
				return
			}
			w.Write([]byte("welcome"))
		})}
}

// count returns the numbers of requests that were let in, and of others.
func count(g *testsite.Gate) (signed, others int) {
	in, out := g.Requests()
	return len(in), len(out)
}

var asksForSignature = http.Header{"Accept-Signature": {`sig1=("@authority" "signature-agent");tag="web-bot-auth"`}}

func TestEveryRequestIsSignedForItsHost(t *testing.T) {
	t.Parallel()
	for _, form := range identity.AgentForms {
		signer, verifier := newSigner(t, form)
		g := newGate(verifier, testsite.RefuseWith(403, nil))
		tls := newGate(verifier, testsite.RefuseWith(403, nil))
		plain := serve(t, g.ServeHTTP)
		tlsServer, pool := serveTLS(t, tls.ServeHTTP)
		f := newFetcher(t, Config{Signer: signer, rootCAs: pool})
		for _, url := range []string{plain.URL + "/", plain.URL + "/moved", tlsServer.URL + "/"} {
			if page := get(t, f, request(t, url)); page.Status != 200 && page.Status != 302 {
				t.Errorf("%s, %s: status %d, want it to be let in", form, url, page.Status)
			}
		}
		lent := f.Lend(queue.Opened{})
		t.Cleanup(lent.Close)
		head := request(t, plain.URL+"/")
		head.Head = true
		if page := get(t, lent, head); page.Status != 200 {
			t.Errorf("%s: a lent fetcher's HEAD: status %d, want 200", form, page.Status)
		}
		if signed, others := count(g); signed != 3 || others != 0 {
			t.Errorf("%s: %d signed requests and %d others, want 3 and 0", form, signed, others)
		}
	}
}

func TestAFetcherThatSignsNothingSendsNoSignatures(t *testing.T) {
	t.Parallel()
	signer, verifier := newSigner(t, identity.FormDictionary)
	g := newGate(verifier, testsite.RefuseWith(401, asksForSignature))
	s := serve(t, g.ServeHTTP)
	for name, cfg := range map[string]Config{
		"no signer": {Sign: identity.ModeAlways}, "never": {Signer: signer, Sign: identity.ModeNever},
	} {
		page := get(t, newFetcher(t, cfg), request(t, s.URL+"/"))
		if wantNoFault(t, page); page.Status != 401 || !strings.Contains(page.Hint, "--identity") {
			t.Errorf("%s: status %d, hint %q, want 401 and what to set", name, page.Status, page.Hint)
		}
	}
}

func TestAHostThatAsksIsRememberedAndItsRequestIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 429} {
		signer, verifier := newSigner(t, identity.FormDictionary)
		g := newGate(verifier, testsite.RefuseWith(status, asksForSignature))
		s := serve(t, g.ServeHTTP)
		f := newFetcher(t, Config{Signer: signer, Sign: identity.ModeWhenAsked})
		page := get(t, f, request(t, s.URL+"/"))
		if wantFault(t, page, fetched.FaultProtocol, true); !page.Fault.Again || page.Refused() || page.Status != status {
			t.Errorf("%d: fault %+v, refused: %t, status %d; want the request to be made again", status, page.Fault,
				page.Refused(), page.Status)
		}
		for range 2 {
			if page := get(t, f, request(t, s.URL+"/")); page.Status != 200 || page.Fault != nil {
				t.Errorf("%d: then status %d, %s, want 200", status, page.Status, faultText(page))
			}
		}
		if signed, others := count(g); signed != 2 || others != 1 {
			t.Errorf("%d: %d signed requests and %d others, want 2 and 1", status, signed, others)
		}
	}
}

func TestARequestIsNotMadeAgainAtOnce(t *testing.T) {
	t.Parallel()
	later := asksForSignature.Clone()
	later.Set("Retry-After", "120")
	for name, test := range map[string]struct {
		status     int
		header     http.Header
		thenSigned bool
	}{
		"the host does not ask":         {403, nil, false},
		"the answer is of another kind": {404, asksForSignature, false},
		"the host says when to return":  {429, later, true},
	} {
		signer, verifier := newSigner(t, identity.FormDictionary)
		g := newGate(verifier, testsite.RefuseWith(test.status, test.header))
		s := serve(t, g.ServeHTTP)
		f := newFetcher(t, Config{Signer: signer, Sign: identity.ModeWhenAsked})
		page := get(t, f, request(t, s.URL+"/"))
		if page.Fault != nil || page.Status != test.status {
			t.Errorf("%s: status %d, %s, want %d", name, page.Status, faultText(page), test.status)
		}
		get(t, f, request(t, s.URL+"/"))
		if signed, _ := count(g); (signed == 1) != test.thenSigned {
			t.Errorf("%s: %d signed requests, want the next one signed: %t", name, signed, test.thenSigned)
		}
	}
}

func TestASignedRequestThatIsRefusedIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	signer, _ := newSigner(t, identity.FormDictionary)
	_, stranger := newSigner(t, identity.FormDictionary) // it knows another key
	g := newGate(stranger, testsite.RefuseWith(403, asksForSignature))
	s := serve(t, g.ServeHTTP)
	f := newFetcher(t, Config{Signer: signer, Sign: identity.ModeWhenAsked})
	get(t, f, request(t, s.URL+"/"))
	page := get(t, f, request(t, s.URL+"/"))
	if wantNoFault(t, page); page.Status != 403 || !strings.Contains(page.Hint, "does not accept the signature") {
		t.Errorf("status %d, hint %q, want 403 and what to check", page.Status, page.Hint)
	}
}

func TestRecordingsHaveNoSignature(t *testing.T) {
	t.Parallel()
	signer, verifier := newSigner(t, identity.FormDictionary)
	g := newGate(verifier, testsite.RefuseWith(403, nil))
	s := serve(t, g.ServeHTTP)
	f := newFetcher(t, Config{Signer: signer})
	page := recorded(t, f, s.URL+"/")
	head := string(page.Recording.Request)
	for _, want := range []string{"Signature: ***\r\n", "Signature-Input: ***\r\n",
		"Signature-Agent: sig1=\"https://bot.example\"\r\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("the recording has\n%s, want %q", head, want)
		}
	}
	if page.Status != 200 || strings.Contains(head, "web-bot-auth") {
		t.Errorf("status %d; the recording has\n%s", page.Status, head)
	}
}

func TestASiteRefusesAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{6 * time.Minute, -time.Minute} {
		signer, verifier := newSigner(t, identity.FormDictionary)
		verifier.Now = func() time.Time { return time.Now().Add(ahead) }
		g := newGate(verifier, testsite.RefuseWith(403, nil))
		s := serve(t, g.ServeHTTP)
		page := get(t, newFetcher(t, Config{Signer: signer}), request(t, s.URL+"/"))
		if _, refused := g.Requests(); page.Status != 403 || len(refused) != 1 ||
			!strings.Contains(refused[0], "out of time") {
			t.Errorf("site %v ahead: status %d, refused %q", ahead, page.Status, refused)
		}
	}
}

// TestTheSignatureCoversAnOffer makes sure that a verifier reads a request that offers to pay, and
// that the offer cannot be changed on the way.
func TestTheSignatureCoversAnOffer(t *testing.T) {
	t.Parallel()
	signer, verifier := newSigner(t, identity.FormDictionary)
	var covered atomic.Bool
	g := newGate(verifier, testsite.RefuseWith(403, nil))
	site := serve(t, func(w http.ResponseWriter, r *http.Request) {
		covered.Store(strings.Contains(r.Header.Get("Signature-Input"), `"crawler-max-price"`))
		if r.URL.Path == "/changed" {
			r.Header.Set(identity.HeaderOffer, "USD 100")
		}
		g.ServeHTTP(w, r)
	})
	f := newFetcher(t, Config{Signer: signer})
	for _, c := range []struct {
		path, offer string
		status      int
	}{{"/", "", 200}, {"/", "USD 0.01", 200}, {"/changed", "USD 0.01", 403}} {
		r := request(t, site.URL+c.path)
		if c.offer != "" {
			r.Header = http.Header{identity.HeaderOffer: {c.offer}}
		}
		if page := get(t, f, r); page.Status != c.status || covered.Load() != (c.offer != "") {
			t.Errorf("%s with offer %q: status %d, want %d; covered: %t", c.path, c.offer, page.Status, c.status,
				covered.Load())
		}
	}
}
