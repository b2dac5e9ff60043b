// Package blockpage recognises block pages: what a site, or a service in front of it, sends
// instead of the page that was requested, such as a challenge for browsers, a CAPTCHA, a
// consent wall, or a page that says that access is denied.
//
// A [Mark] is a kind of block page, with the signs by which it is recognised. All marks are in
// one table, marks.go, and docs/blocked.md lists them. A sign is structure that only block pages
// have: a header, a script, a form or an element of a known service. Words count only together
// with structure, or with a status that refuses, and only on small pages, because pages that
// write about block pages use the same words. The package only recognises: nothing here helps to
// get past a block page.
package blockpage
