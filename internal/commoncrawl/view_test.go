package commoncrawl

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheTextOfAPageIsWhatReadersSee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ page, want string }{
		{"<title>A  title</title><h1>Head</h1><p>One <b>bo</b>ld\n word<p>Two", "A title\nHead\nOne bold word\nTwo\n"},
		{"<ul><li>a<li>b</ul>c<br>d<hr>", "a\nb\nc\nd\n"},
		{"<table><tr><td>1<td>2<tr><td>3</table>", "1 2\n3\n"},
		{"x<script>var y = '<p>no';</script><style>p { color: red }</style> z", "x z\n"},
		{"<noscript><p>shown</p></noscript><template><p>not</template><iframe>nor this</iframe>", "shown\n"},
		{"<pre>a\n  b</pre> c  d", "a\n  b\nc d\n"},
		{"a&nbsp;&nbsp;b &amp; c\x00\x01d", "a b & c d\n"},
		{"<svg><title>not</title><style>x{}</style><text>drawn</text></svg><textarea>typed</textarea>", "drawn\ntyped\n"},
		{"<script>never closed", ""},
		{"", ""},
		{" \n<p> <p>", ""},
	} {
		v := viewOf([]byte(c.page))
		if got := string(v.text.Bytes()); got != c.want {
			t.Errorf("%s\nhas the text %q, want %q", c.page, got, c.want)
		}
	}
}

func TestMetadataOfAPageAreThoseOfWAT(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ page, want string }{
		{`<html lang=en><base href="/b/"><title> The
		  title </title><title>another</title>
		<meta name=description content="a &quot;b&quot;"><meta property="og:image" content="data:image/png;base64,AAAA">
		<meta charset=utf-8><meta itemprop=x content=alone><meta http-equiv=refresh content="5; url=/x">
		<link rel=stylesheet type=text/css href=s.css><link rel=none><script src=a.js type=module></script>
		<script>inline()</script>`,
			`{"Head":{"Base":"/b/","Title":"The title",` +
				`"Link":[{"path":"LINK@/href","url":"s.css","rel":"stylesheet","type":"text/css"}],` +
				`"Metas":[{"name":"HTML@/lang","content":"en"},{"name":"description","content":"a \"b\""},` +
				`{"content":"data:image/png;base64,","property":"og:image"},` +
				`{"content":"5; url=/x","http-equiv":"refresh"}],` +
				`"Scripts":[{"path":"SCRIPT@/src","url":"a.js","type":"module"}]}}`},
		{`<a href="/x?a=1&amp;b=2" rel=nofollow target=_top>some <b>te</b>xt<img src=i.png alt=pic></a>
		<a name=anchor>no link</a><A HREF=y>never closed`,
			`{"Links":[{"path":"A@/href","url":"/x?a=1&b=2","target":"_top","rel":"nofollow","text":"some text"},` +
				`{"path":"IMG@/src","url":"i.png","alt":"pic"},` +
				`{"path":"A@/href","url":"y","text":"never closed"}]}`},
		{`<form action=/go method=post><input src=b.png formaction=/f><button formaction=/g></button></form>
		<area href=/area><iframe src=/frame></iframe><video src=v poster=p><source src=w></video>
		<blockquote cite=/q></blockquote><body background=bg.png><div data-href=/d></div>
		<style>@import "i.css"; p { background: url(data:,x) }</style>`,
			`{"Links":[{"path":"FORM@/action","url":"/go","method":"post"},{"path":"INPUT@/src","url":"b.png"},` +
				`{"path":"INPUT@/formaction","url":"/f"},{"path":"BUTTON@/formaction","url":"/g"},` +
				`{"path":"AREA@/href","url":"/area"},{"path":"IFRAME@/src","url":"/frame"},` +
				`{"path":"VIDEO@/src","url":"v"},{"path":"VIDEO@/poster","url":"p"},{"path":"SOURCE@/src","url":"w"},` +
				`{"path":"BLOCKQUOTE@/cite","url":"/q"},{"path":"BODY@/background","url":"bg.png"},` +
				`{"path":"DIV@/data-href","url":"/d"},{"path":"STYLE/#text","href":"i.css"},` +
				`{"path":"STYLE/#text","href":"data:,"}]}`},
		{`<p>no more than text<template><a href=/not>inert</a></template>`, `{}`},
		{`<a href=/long>` + strings.Repeat("ä", 100) + `</a>`,
			`{"Links":[{"path":"A@/href","url":"/long","text":"` + strings.Repeat("ä", 64) + `"}]}`},
	} {
		var got strings.Builder
		e := json.NewEncoder(&got)
		e.SetEscapeHTML(false)
		if err := e.Encode(viewOf([]byte(c.page)).metadata()); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(got.String()) != c.want {
			t.Errorf("%s\nhas the metadata\n%swant\n%s", c.page, got.String(), c.want)
		}
	}
}

func FuzzView(f *testing.F) {
	f.Add([]byte("<title>x</title><a href=y>z</a><pre>\n<svg><style>"))
	f.Add([]byte("<a href=1><a href=2></a><template><a href=3>"))
	f.Fuzz(func(t *testing.T, page []byte) {
		v := viewOf(page)
		if text, err := json.Marshal(v.metadata()); err != nil || !json.Valid(text) {
			t.Errorf("the metadata are %s (%v)", text, err)
		}
		if len(v.text.Bytes()) > 3*len(page)+1 {
			t.Errorf("a page of %d bytes has a text of %d", len(page), len(v.text.Bytes()))
		}
	})
}
