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
)

// mask replaces secrets in recorded requests.
const mask = "***"

// alwaysSecret are headers that are always masked.
var alwaysSecret = []string{"Authorization", "Cookie", "Proxy-Authorization"}

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
	if req.Jar == nil {
		return secret
	}
	cookies := out.Header["Cookie"]
	for _, c := range req.Jar.Cookies(cookieURL(req.URL)) {
		cookies = append(slices.Clip(cookies), cookie.PairOf(c))
	}
	if len(cookies) > 0 {
		out.Header["Cookie"] = []string{strings.Join(cookies, "; ")}
	}
	return secret
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
