// Package commoncrawl describes recorded responses as Common Crawl does, so that its tools
// work on other crawls.
//
// A [Reader] turns the record of a response into an [Answer]: the HTTP message, and the page
// in it. From an answer come the row of the columnar URL index ([Answer.Row]), the metadata of
// a WAT file ([Answer.WAT]), and the text of a WET file ([Answer.Text]). A view is one pass
// over the tokens of an HTML page, which finds both its references and its text.
//
// The formats are those that Common Crawl publishes:
// https://github.com/commoncrawl/cc-index-table (schema of the index) and
// https://github.com/commoncrawl/ia-web-commons (WAT and WET).
package commoncrawl
