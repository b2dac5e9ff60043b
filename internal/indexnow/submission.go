package indexnow

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of a submission. The protocol allows 10,000 URLs of any length.
const (
	maxURLs = 10_000
	maxBody = 8 << 20
)

// keyForm is the form of a key: "a minimum of 8 and a maximum of 128 hexadecimal characters", which
// in the documentation are letters, digits and dashes.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9-]{8,128}$`)

// Submission is what a site says.
type Submission struct {
	Host crawler.Host // of all URLs, and of the key file
	Key  string
	// KeyFile is the URL of the file that must contain the key.
	KeyFile crawler.URL
	URLs    []crawler.URL // at least one
}

// Refusal says why a submission is not accepted, with the status of HTTP that IndexNow has for it.
type Refusal struct {
	Status int
	Reason string
	// RetryAfter is after how many seconds to try again; 0 if that does not help.
	RetryAfter int
}

func (r *Refusal) Error() string { return r.Reason }

func refuse(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Reason: fmt.Sprintf(format, args...)}
}

// form is the body of a POST.
type form struct {
	Host        string   `json:"host"`
	Key         string   `json:"key"`
	KeyLocation string   `json:"keyLocation"`
	URLList     []string `json:"urlList"`
}

// Read reads a submission. The error is a [*Refusal]: 400 if the request is not one, 413 if it is too
// large, and 422 if URLs are not those of the host.
func Read(r *http.Request) (Submission, error) {
	var f form
	switch r.Method {
	case http.MethodGet:
		query := r.URL.Query()
		f.Key, f.KeyLocation, f.URLList = query.Get("key"), query.Get("keyLocation"), query["url"]
		if len(f.URLList) != 1 {
			return Submission{}, refuse(http.StatusBadRequest, "want one url, as in ?url=https://example.com/page&key=KEY, and not %d",
				len(f.URLList))
		}
	case http.MethodPost:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		switch {
		case err != nil:
			return Submission{}, refuse(http.StatusBadRequest, "the body cannot be read: %v", err)
		case len(body) > maxBody:
			return Submission{}, refuse(http.StatusRequestEntityTooLarge,
				"the body has more than %d bytes: send the URLs in parts", maxBody)
		}
		if err := json.Unmarshal(body, &f); err != nil {
			return Submission{}, refuse(http.StatusBadRequest, "the body is not a submission: %v", err)
		}
	default:
		return Submission{}, refuse(http.StatusMethodNotAllowed, "want GET or POST, not %s", r.Method)
	}
	return f.check()
}

// check parses the parts of a submission.
func (f form) check() (s Submission, err error) {
	switch {
	case !keyForm.MatchString(f.Key):
		return s, refuse(http.StatusBadRequest, "%.140q is not a key: want 8 to 128 letters, digits and dashes", f.Key)
	case len(f.URLList) == 0:
		return s, refuse(http.StatusBadRequest, "urlList is empty: want 1 to %d URLs", maxURLs)
	case len(f.URLList) > maxURLs:
		return s, refuse(http.StatusRequestEntityTooLarge, "urlList has %d URLs: send at most %d at once",
			len(f.URLList), maxURLs)
	}
	s.Key = f.Key
	for _, text := range f.URLList {
		u, err := crawler.ParseURL(text)
		if err != nil {
			return s, refuse(http.StatusUnprocessableEntity, "url: %v", err)
		}
		if s.Host == "" {
			s.Host = u.Host()
		}
		if u.Host() != s.Host {
			return s, refuse(http.StatusUnprocessableEntity, "url %q is not of host %q: send the URLs of one host at once",
				u, s.Host)
		}
		s.URLs = append(s.URLs, u)
	}
	if f.Host != "" && !strings.EqualFold(strings.TrimSuffix(f.Host, "."), string(s.Host)) {
		return s, refuse(http.StatusUnprocessableEntity, "the URLs are of host %q, and not of %.260q", s.Host, f.Host)
	}
	s.KeyFile, err = s.keyFile(f.KeyLocation)
	return s, err
}

// keyFile returns where the key file must be: in the root of the host, or where a submission says it
// is. "The location of a key file determines the set of URLs that can be submitted with this key":
// those in its folder.
func (s Submission) keyFile(location string) (crawler.URL, error) {
	if location == "" {
		return crawler.ParseURL(s.URLs[0].Scheme() + "://" + string(s.Host) + "/" + s.Key + ".txt")
	}
	at, err := crawler.ParseURL(location)
	if err != nil {
		return at, refuse(http.StatusUnprocessableEntity, "keyLocation: %v", err)
	}
	if at.Host() != s.Host {
		return at, refuse(http.StatusUnprocessableEntity, "keyLocation %q is not of host %q", at, s.Host)
	}
	pathOnly, _, _ := strings.Cut(at.Path(), "?")
	folder := path.Dir(pathOnly)
	if !strings.HasSuffix(folder, "/") {
		folder += "/"
	}
	for _, u := range s.URLs {
		if !strings.HasPrefix(u.Path(), folder) {
			return at, refuse(http.StatusUnprocessableEntity, "url %q is not in %q, the folder of the key file", u, folder)
		}
	}
	return at, nil
}

// statusOf returns the status of an error.
func statusOf(err error) int {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Status
	}
	return http.StatusServiceUnavailable
}
