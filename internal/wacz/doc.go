// Package wacz writes web archives as one file: WACZ 1.1.1
// (https://specs.webrecorder.net/wacz/1.1.1/), a ZIP file of WARC files, an index of their
// records, and a list of pages, which ReplayWeb.page opens from any web server.
//
// A [Writer] writes the parts one after another. A [Page] is an entry of the list from
// which readers start. The manifest, datapackage.json, has the hash of every other file, and
// datapackage-digest.json has the hash of the manifest. A [Signer] signs that.
package wacz
