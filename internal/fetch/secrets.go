package fetch

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/identity"
)

// mask replaces secrets in recorded requests.
const mask = "***"

// alwaysSecret are headers that are always masked. Signatures are among them: for five minutes they
// let others make a request in the crawler's name. Signature-Agent is public.
var alwaysSecret = []string{"Authorization", "Cookie", "Proxy-Authorization", identity.HeaderSignature,
	identity.HeaderSignatureInput}

// credentials adds to a request what only its host may see. It returns the names of the
// secret headers.
func (f *Fetcher) credentials(out *http.Request, req fetched.Request) []string {
	secret := alwaysSecret
	if headers := f.access.secrets(req.URL); headers != nil {
		secret = slices.Clone(secret)
		for name, values := range headers {
			out.Header[name] = values
			secret = append(secret, name)
		}
	}
	cookies := slices.Clip(out.Header["Cookie"])
	for _, c := range f.cookies(req) {
		cookies = append(cookies, cookie.PairOf(c))
	}
	if len(cookies) > 0 {
		out.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	return secret
}

// cookies returns the cookies of a request: those of the rules, and with a jar what the host
// has made of them, and its own.
func (f *Fetcher) cookies(req fetched.Request) []*http.Cookie {
	configured := f.access.cookies(req.URL)
	if req.Jar == nil {
		return configured
	}
	at := cookieURL(req.URL)
	req.Jar.Preset(at, configured)
	return req.Jar.Cookies(at)
}

// cookieURL converts a URL to net/url, for its cookies.
func cookieURL(u crawler.URL) *url.URL {
	path, _, _ := strings.Cut(u.Path(), "?")
	return &url.URL{Scheme: u.Scheme(), Host: string(u.Host()), Path: path}
}

// masked returns the head of a request with the values of secret headers masked. The lines
// must be as net/http writes them.
func masked(head []byte, secret []string) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(head) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if ok && slices.Contains(secret, textproto.CanonicalMIMEHeaderKey(string(name))) {
			out.Write(name)
			out.WriteString(": " + mask + "\r\n")
			continue
		}
		out.Write(line)
	}
	return out.Bytes()
}
