package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// truth is what there is to fetch at a site: what answers 200 and is reachable
// through a[href] and area[href] from its first page, by key.
type truth struct {
	pages map[string]bool
	bytes int64
}

// check finds the truth of a site with means that no contestant uses: one
// request after another, trees of the pages, net/url.
func check(ctx context.Context, s *site) (truth, error) {
	t := truth{pages: make(map[string]bool)}
	first, err := url.Parse(s.url)
	if err != nil {
		return t, err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	seen := map[string]bool{first.String(): true}
	for queue := []*url.URL{first}; len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		refs, err := t.visit(ctx, client, at)
		if err != nil {
			return t, err
		}
		for _, ref := range refs {
			u, err := at.Parse(ref)
			if err != nil {
				continue
			}
			u.Fragment, u.RawFragment = "", ""
			if u.Scheme == first.Scheme && u.Host == first.Host && !seen[u.String()] {
				seen[u.String()] = true
				queue = append(queue, u)
			}
		}
	}
	return t, nil
}

// visit fetches one URL and returns the references to where it leads.
func (t *truth) visit(ctx context.Context, client *http.Client, at *url.URL) ([]string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	if location := resp.Header.Get("Location"); resp.StatusCode != http.StatusOK && location != "" {
		return []string{location}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil
	}
	t.pages[key(at.RequestURI())] = true
	t.bytes += int64(len(body))
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return nil, nil
	}
	tree, err := html.ParseWithOptions(bytes.NewReader(body), html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return hrefs(tree), nil
}

// hrefs lists the href of all a and area in a tree.
func hrefs(tree *html.Node) (refs []string) {
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" && n.Data != "area" {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "href" {
				refs = append(refs, strings.TrimSpace(a.Val))
			}
		}
	}
	return refs
}

// key is what different spellings of a request for the same thing have in
// common.
func key(requestURI string) string {
	path, query, asks := strings.Cut(requestURI, "?")
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	if asks {
		return path + "?" + query
	}
	return path
}
