// Package need decides which pages are worth a browser.
//
// The [Signs] of a page are counted while it is parsed. They give its need: how likely it is, as
// far as one page can tell, that its scripts add text or links that its markup lacks.
//
// One page often cannot tell, so the fleet learns from others. A [Lesson] is what the pages of one
// pattern of URLs have taught: how many gained by rendering, and how many did not. [Lessons] are
// all lessons of one host, and decide whether its next page is rendered.
package need
