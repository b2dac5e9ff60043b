package fetch

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTheNextConnectionToAHostResumesItsTLSSession(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS.DidResume) })
	here := []HostPattern{pattern(t, strings.TrimPrefix(server.URL, "https://"))}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"a host that all trust":          {Config{rootCAs: pool}, "true"},
		"a host that only a rule trusts": {Config{Rules: []Rule{{CAs: []*x509.Certificate{server.Certificate()}}}}, "false"},
		"a host that is not verified":    {Config{Rules: []Rule{{Hosts: here, Insecure: true}}}, "false"},
	} {
		f := newFetcher(t, c.cfg)
		for _, want := range []string{"false", c.want} {
			page := get(t, f, request(t, server.URL))
			wantNoFault(t, page)
			if got := string(content(t, page)); got != want {
				t.Errorf("%s: the session was resumed: %s, want %s", name, got, want)
			}
			page.Release()
			f.Close() // its idle connections
		}
	}
}
