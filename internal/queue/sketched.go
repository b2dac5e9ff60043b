package queue

import (
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/minhash"
)

// Sketched is a page with the sketch of its main text.
type Sketched struct {
	URL    crawler.URL
	Sketch *minhash.Sketch
}
