//go:build full

// This file becomes a part of cmd/trawl when that is built with overlay.json, and links
// all drivers into it.
package main

import (
	_ "github.com/trawlcrawler/trawl/drivers/azure"
	_ "github.com/trawlcrawler/trawl/drivers/gcs"
	_ "github.com/trawlcrawler/trawl/drivers/sqlite"
)
