package parse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/need"
)

// signsOf returns the signs of a page.
func signsOf(t *testing.T, body string) need.Signs {
	t.Helper()
	return *parsePage(t, Config{Signs: true}, htmlPage("http://example.com/", body)).Signs
}

func TestSignsOfPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       need.Signs
	}{
		{"visible letters and digits count", `<title>no</title><style>no</style><p>Two words, ünd 3.<!-- no -->`,
			need.Signs{Text: 12}},
		{"what is in a template is not visible", `<template>no<script>x</script></template>yes`, need.Signs{Text: 3}},
		{"programs and their state", `<script src=/app.js></script><script type=application/json>{"a":1}</script>` +
			`<script type=module>go()</script>`, need.Signs{Scripts: 2, State: 11}},
		{"a shell", `<body><noscript>You need to enable <b>JavaScript</b> to run this app.</noscript><div id="root"></div>` +
			`<script src=x></script>`, need.Signs{Scripts: 1, Root: true, Noscript: true}},
		{"a picture in a noscript element", `<noscript><img src=pixel.gif>Yes</noscript>text`, need.Signs{Text: 4}},
		{"a root of Vue", `<section data-v-app></section>`, need.Signs{Root: true}},
		{"a root of Angular", `<app-root></app-root>`, need.Signs{Root: true}},
		{"an ID of another element", `<a id=root></a><div id=content></div>`, need.Signs{}},
	} {
		if diff := cmp.Diff(c.want, signsOf(t, c.body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestSignsLeaveTheRestOfTheDocumentAsItIs(t *testing.T) {
	t.Parallel()
	body := `<base href=/b/><div id=app data-v-app><a href=x rel=nofollow id=root>t</a><noscript><a href=y></a></noscript>` +
		`<script src=/s></script><iframe src=z></iframe></div>` + strings.Repeat("<p>text ", 100)
	page := htmlPage("http://example.com/", body)
	got := parsePage(t, Config{Signs: true, Resources: true, References: true}, page)
	want := parsePage(t, Config{Resources: true, References: true}, page)
	got.Signs = nil
	if diff := cmp.Diff(want.Links, got.Links, sameURLs); diff != "" {
		t.Errorf("the links differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Resources, got.Resources, sameURLs); diff != "" {
		t.Errorf("the resources differ (-want +got):\n%s", diff)
	}
}

func TestAScanForgetsSigns(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Signs: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		doc, err := p.Parse(t.Context(), htmlPage("http://example.com/", `<div id=root>four</div><script>x`))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(need.Signs{Text: 4, State: 1, Scripts: 1, Root: true}, *doc.Signs); diff != "" {
			t.Errorf("a page has other signs (-want +got):\n%s", diff)
		}
	}
}

// sameURLs compares URLs.
var sameURLs = cmp.Comparer(func(a, b crawler.URL) bool { return a == b })
