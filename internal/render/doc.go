// Package render lets a Chromium carry out the scripts of a page, and has no way to the network
// of its own.
//
// A [Pool] starts browsers or connects to remote ones, and bounds how many pages they work on. A
// [Request] says which page to render and how: it brings the answer that an HTTP request got, so
// that the document is not fetched twice, and a [Transport], which fetches whatever else the page
// asks for ([Subrequest], [Answer]). A [Result] is what the page became: its document, and what
// it asked for.
//
// Every request of a page is intercepted by the domain Fetch of the Chrome DevTools Protocol
// (CDP), in frames, workers and popups alike, and answered by the Transport or refused. Beneath
// that, the browser cannot connect anywhere: it resolves no names, its only proxy does not exist,
// and where the kernel allows it, it runs in a network namespace without interfaces.
//
// Each page has a browser context of its own. Cookies, storage and caches of one page are never
// those of another.
package render
