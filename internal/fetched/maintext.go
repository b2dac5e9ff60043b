package fetched

import (
	"github.com/trawlcrawler/trawl/crawler"
)

// MainText says how the main text of a page was found.
type MainText struct {
	// Extractor is what decided, such as "readability"; of auto also what it took, such as
	// "auto/main".
	Extractor string
	// TextShare is the number of words of the main text divided by that of all words of the
	// page that are shown, from 0 to 1.
	TextShare float64
	// Hard says why the main text is uncertain; "" if it is not.
	Hard string
	// Language is the language of the text as its words tell it (ISO 639-3), and
	// DeclaredLanguage as the page declares it (a BCP 47 tag); "" if there isn't one.
	Language, DeclaredLanguage string
	Quality                    crawler.Quality
	// Texts are what the job's other extractors found, by their names; nil for none.
	Texts map[string]crawler.OtherText
}
