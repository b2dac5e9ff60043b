// Package need decides which pages are worth a browser.
//
// The [Signs] of a page are counted while it is parsed. They give its need: how likely it is, as
// far as one page can tell, that its scripts bring text or links which its markup lacks.
//
// A page alone often cannot tell, so that the fleet learns. A [Lesson] is what the pages of one
// pattern of URLs have taught: how many gained by rendering, and how many did not. [Lessons] are
// those of one host, and decide about its next page.
package need
