// Package sqlite lets Trawl export to SQLite: a command that imports it, as drivers/full does,
// writes the form "sqlite" with trawl export.
//
//	import _ "github.com/trawlcrawler/trawl/drivers/sqlite"
//
// It links modernc.org/sqlite, which is SQLite in pure Go, and which registers itself with
// database/sql as "sqlite". Any other driver of that name does as well.
package sqlite

import (
	_ "modernc.org/sqlite" // the driver "sqlite"
)
