// Package ui renders the pages of the dashboard: templates with one layout, a style sheet
// and a script, all embedded. It knows nothing of jobs: the dashboard fills the pages in.
//
// A live page has regions, elements with an ID and the attribute data-live. The script asks
// for the page every two seconds and replaces the regions that changed, so that what a
// person types, selects or focuses elsewhere stays. Without the script, the browser reloads
// the page.
package ui
