// Package render runs the scripts of a page in a Chromium that has no network access of its own.
//
// A [Pool] starts browsers or connects to remote ones, and bounds how many pages they work on. A
// [Request] says which page to render and how. It has the answer of the HTTP request for the
// document, so that the document is not fetched twice, and a [Transport], which fetches everything
// else that the page requests ([Subrequest], [Answer]). A [Result] has the document that the page
// became, and the requests that it made.
//
// Every request of a page is intercepted by the domain Fetch of the Chrome DevTools Protocol
// (CDP), in frames, workers and popups alike, and answered by the Transport or refused. Beneath
// that, the browser cannot connect anywhere: it resolves no names, its only proxy does not exist,
// and where the kernel allows it, it runs in a network namespace without interfaces.
//
// Each page has a browser context of its own. Pages never share cookies, storage or caches.
package render
