package parse

import (
	"reflect"
	"strings"
	"testing"
)

const shop = `<!doctype html><base href=/shop/>
<h1>  Green
  <b>tea</b> </h1>
<p class=price data-cents="420">4.20&nbsp;€</p>
<img src=tea.png><img src="https://cdn.example/b.png">
<ul><li>loose<li>in   bags<li></ul>
<a href="more?x=a@b" title="a@b">more</a><a href=mailto:tea@shop.example>write</a>
<noscript><em>no script</em></noscript>`

func TestFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		selector string
		want     any
	}{
		{"x=h1", "Green tea"},
		{"x= h1 > b ", "tea"},
		{"x=li", "loose"},
		{"x=em", "no script"},
		{"x=h2", nil},
		{"x[]=li", []any{"loose", "in bags", ""}},
		{"x[]=h2", []any{}},
		{"x=.price@data-cents", "420"},
		{"x=.price@DATA-cents", "420"},
		{"x=.price@title", nil},
		{"x=h2@title", nil},
		{"x=img@src", "http://example.com/shop/tea.png"},
		{"x[]=img@src", []any{"http://example.com/shop/tea.png", "https://cdn.example/b.png"}},
		{"x[]=a@href", []any{"http://example.com/shop/more?x=a@b", "mailto:tea@shop.example"}},
		{"x[]=a@title", []any{"a@b"}},
		{`x=a[href="more?x=a@b"]`, "more"},
		{`x=a[href="more?x=a@b"]@title`, "a@b"},
		{`x=a[title=a\@b]`, "more"},
		{"x=h1, p", "Green tea"},
	} {
		t.Run(c.selector, func(t *testing.T) {
			t.Parallel()
			doc := parsePage(t, Config{Select: []string{c.selector}}, htmlPage("http://example.com/", shop))
			if got := doc.Fields["x"]; !reflect.DeepEqual(got, c.want) {
				t.Errorf("field %#v, want %#v", got, c.want)
			}
		})
	}
}

func TestDocumentWithoutSelectorsHasNoFields(t *testing.T) {
	t.Parallel()
	if doc := parseHTML(t, shop); doc.Fields != nil {
		t.Errorf("fields %v, want none", doc.Fields)
	}
}

func TestTemplatesAreNotPartOfThePage(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/",
		"<template><b>in</b><template><b>inner</b></template></template><b>out</b><svg><template><b>drawn</b></template></svg>")
	doc := parsePage(t, Config{Select: []string{"b[]=b", "t[]=template"}}, page)
	if got, want := doc.Fields["b"], []any{"out", "drawn"}; !reflect.DeepEqual(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
}

func TestBadSelectorsAreQuoted(t *testing.T) {
	t.Parallel()
	for _, selects := range [][]string{
		{"h1"}, {"=h1"}, {"a b=h1"}, {"1=h1"}, {"x="}, {"x=@href"}, {"x=h1["}, {"x=h1 >"}, {"x=h1@a b"},
		{"x=h1", "x=h2"}, {"x=h1", "x[]=h2"},
	} {
		_, err := New(Config{Select: selects})
		last := selects[len(selects)-1]
		if err == nil || !strings.Contains(err.Error(), last) {
			t.Errorf("error for %q: %v, want one that quotes it", last, err)
		}
	}
}
