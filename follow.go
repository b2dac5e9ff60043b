package trawl

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"

	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Admission says what becomes of a link that a handler adds to its job.
type Admission struct {
	// URL is the link, resolved and in canonical form; "" if it is not a URL.
	URL string
	// Refused is why the link is not fetched; "" if it is in scope. A URL that the job has seen
	// before is not fetched again; that is not known yet.
	Refused string
}

// OK reports whether the link is in scope.
func (a Admission) OK() bool { return a.Refused == "" }

// FollowOption changes how [Page.Follow] adds a link.
type FollowOption func(*following) error

// following is what is passed along a link.
type following struct {
	first  bool
	meta   json.RawMessage
	header http.Header
}

// MaxPassed is how many bytes of JSON Meta and Header may take for one link. They are in Redis
// while the URL waits.
const MaxPassed = 4096

// Meta passes a value to the page of a link, where [Page.Meta] decodes it: anything that
// encoding/json can encode, in at most [MaxPassed] bytes. If the URL was seen before, with
// another value or none, it keeps that.
func Meta(value any) FollowOption {
	return func(f *following) (err error) {
		f.meta, err = encode(value)
		return err
	}
}

// First has a link fetched before the other URLs of its host, except urgent ones. The job's
// priority rules override it.
func First() FollowOption {
	return func(f *following) error { f.first = true; return nil }
}

// Header adds a field to the header of the request for a link, and of redirects that follow it
// within the host. It cannot set fields that Trawl sets itself, such as User-Agent.
func Header(name, value string) FollowOption {
	return func(f *following) error {
		if err := fetch.CheckHeader(name, value); err != nil {
			return err
		}
		if f.header == nil {
			f.header = make(http.Header)
		}
		f.header.Add(textproto.CanonicalMIMEHeaderKey(name), value)
		return nil
	}
}

// passed is the encoding of what is passed along a link.
type passed struct {
	Meta   json.RawMessage `json:"m,omitempty"`
	Header http.Header     `json:"h,omitempty"`
}

// pack encodes what is passed along a link; "" for nothing.
func (f following) pack() (string, error) {
	if f.meta == nil && f.header == nil {
		return "", nil
	}
	text, err := json.Marshal(passed{f.meta, f.header})
	if err == nil && len(text) > MaxPassed {
		err = fmt.Errorf("its Meta and Header take %d bytes: want at most %d; pass a key, and keep the rest elsewhere",
			len(text), MaxPassed)
	}
	return string(text), err
}

// unpack decodes what was passed along a link.
func unpack(text string) (p passed) {
	if text == "" || json.Unmarshal([]byte(text), &p) != nil {
		return passed{}
	}
	return p
}

// Prepare adds what handlers passed with the link, and what they add now, to a request.
func (n *named) Prepare(ctx context.Context, e queue.Entry, r *fetched.Request) (err error) {
	r.Header = unpack(e.Passed).Header
	out := &Request{
		Job: n.deliverer.job.Job.Name, URL: r.URL.String(), Referrer: e.Referrer.String(), Depth: e.Depth,
		Try: e.Tries + e.Spared + 1,
	}
	for _, set := range n.sets {
		for _, do := range set.requests {
			if out.Header == nil {
				out.Header = r.Header.Clone()
			}
			if out.Header == nil {
				out.Header = make(http.Header)
			}
			if err := do(ctx, out); err != nil {
				return fmt.Errorf("handlers %s: %w", set.name, err)
			}
			r.Header = out.Header
		}
	}
	return nil
}

// PassedOn returns what is passed to the target of a redirect at another host: it does not get
// the header, which may be a secret.
func (n *named) PassedOn(text string) string {
	text, _ = following{meta: unpack(text).Meta}.pack() // it was packed before
	return text
}

// Follow adds a link of the page to the job: a reference as found in the page. The result says
// whether the link is in scope; it is not if it is not a URL, or if scope, filters or depth
// refuse it. A link that only depth refuses is followed later if the page turns out to be
// nearer to a seed. A URL that the job has already seen is not fetched again. Jobs follow
// the links that they find themselves, unless their Follow is false; a link with options is
// added before these, so that it keeps its options. An option that is not valid fails the
// page.
func (p *Page) Follow(ref string, options ...FollowOption) Admission {
	var f following
	for i, option := range options {
		if option == nil {
			return p.refuse(ref, fmt.Errorf("option %d is nil%s", i+1, calledAt()))
		}
		if err := option(&f); err != nil {
			return p.refuse(ref, err)
		}
	}
	text, err := f.pack()
	if err != nil {
		return p.refuse(ref, err)
	}
	if err := p.lock("Follow"); err != nil {
		return Admission{Refused: err.Error()}
	}
	p.mu.Unlock()
	u, err := p.resolve(ref)
	if err != nil {
		return Admission{Refused: err.Error()}
	}
	if err := p.lock("Follow"); err != nil {
		return Admission{Refused: err.Error()}
	}
	defer p.mu.Unlock()
	// One that is too deep now may come nearer.
	p.yield.Followed = append(p.yield.Followed, visit.Followed{URL: u, First: f.first, Passed: text})
	return Admission{URL: u.String(), Refused: p.handed.Refuses(u)}
}

// refuse fails the page because of an option that is not valid.
func (p *Page) refuse(ref string, err error) Admission {
	err = fmt.Errorf("follow %q: %w: %w", ref, err, SkipRetry)
	if p.lock("Follow") == nil {
		p.err = cmp.Or(p.err, err)
		p.mu.Unlock()
	}
	return Admission{Refused: err.Error()}
}

// Meta decodes the value that a handler passed with the link that led here, as encoding/json
// does. It leaves v alone if there isn't one.
func (p *Page) Meta(v any) error {
	meta := unpack(p.handed.Entry.Passed).Meta
	if meta == nil {
		return nil
	}
	if err := json.Unmarshal(meta, v); err != nil {
		return fmt.Errorf("meta of %s: %w", p.RequestURL(), err)
	}
	return nil
}
