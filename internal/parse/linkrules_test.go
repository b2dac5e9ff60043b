package parse

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rules"
)

const category = `<!doctype html><head><link rel=alternate href=/feed><link rel=stylesheet href=/style.css><link rel=next href=/page2></head>
<nav><a href=/about>about</a> <a href=/terms rel=nofollow>terms</a></nav>
<div class=product><a href=/tea>tea</a><p><a href=/tea#reviews>reviews</a></div><div class=product><a href="/coffee">coffee</a></div>
<template><div class=product><a href=/ghost>ghost</a></div></template>
<svg><a href=/drawn class=product>drawn</a></svg><a class=next href=?p=2>next</a><a href=mailto:x@example.com class=product>mail</a>`

// chosen returns links by the rules that select them.
func chosen(doc *fetched.Document) map[string][]int {
	all := map[string][]int{}
	for _, l := range doc.Links {
		path := strings.TrimPrefix(l.URL.String(), "http://example.com")
		all[path] = nil
		for i := range rules.MaxFollowRules {
			if l.Rules.Has(i) {
				all[path] = append(all[path], i)
			}
		}
	}
	return all
}

func TestLinksAreMarkedByTheRulesThatSelectThem(t *testing.T) {
	t.Parallel()
	rules := []crawler.FollowRule{
		{Links: "a.next, .product a"}, {}, {Match: "/category", Links: ".product"}, {Match: "/other", Links: "a"},
		{Links: "head, nav"}, {Links: "link[rel=alternate]"},
	}
	doc := parsePage(t, Config{FollowRules: rules}, htmlPage("http://example.com/category", category))
	want := map[string][]int{
		"/page2": {4}, "/about": {4}, "/terms": {4}, "/tea": {0, 2}, "/coffee": {0, 2}, "/category?p=2": {0},
		"/feed": {5}, "/drawn": {2},
	}
	if diff := cmp.Diff(want, chosen(doc)); diff != "" {
		t.Errorf("the rules of links differ (-want +got):\n%s", diff)
	}
	for _, l := range doc.Links {
		if l.NoFollow != strings.HasSuffix(l.URL.String(), "/terms") {
			t.Errorf("%s: nofollow %v", l.URL, l.NoFollow)
		}
	}
}

func TestLinksOfAPageWithoutATreeAreNotSelected(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", strings.Repeat("<div>", 600)+"<a href=/x>x</a>")
	doc := parsePage(t, Config{FollowRules: []crawler.FollowRule{{Links: "a"}}}, page)
	if diff := cmp.Diff(map[string][]int{"/x": nil}, chosen(doc)); diff != "" ||
		!strings.Contains(doc.Trouble, "its links were not selected") {
		t.Errorf("trouble %q; links differ (-want +got):\n%s", doc.Trouble, diff)
	}
}
