package warc

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// content adds what is known of a page's content, under the names of a [crawler.Record].
// What the job does not ask for is left out.
func (f *Fields) content(r *fetched.Result) {
	if r.Page != nil {
		f.optional("block_page", r.Page.BlockPage)
	}
	defer f.rights(r)
	d := r.Document
	if d == nil {
		return
	}
	f.optional("charset", d.Charset)
	if d.Guessed {
		f.Add("charset_guessed", "true")
	}
	if c := d.MainText; c != nil {
		f.Add("extractor", c.Extractor)
		f.Add("text_share", strconv.FormatFloat(c.TextShare, 'f', -1, 64))
		f.optional("hard", c.Hard)
		f.optional("language", c.Language)
		f.optional("declared_language", c.DeclaredLanguage)
		if quality, err := json.Marshal(c.Quality); err == nil { // fails for no number that is counted
			f.Add("quality", string(quality))
		}
	}
	f.optional("simhash", d.Simhash)
	f.optional("minhash", strings.Join(d.MinHash, " "))
	f.optional("duplicate_of", r.DuplicateOf.String())
	f.optional("near_duplicate_of", r.NearDuplicateOf.String())
	f.optional("change", string(r.Change))
}

// rights adds what the site says about the use of the page, and its summary.
func (f *Fields) rights(r *fetched.Result) {
	rights, usage := r.AllRights()
	if len(rights) == 0 {
		return
	}
	for _, field := range []struct {
		name  string
		value any
	}{{"rights", rights}, {"usage", usage}} {
		if text, err := json.Marshal(field.value); err == nil { // fails for nothing that was read
			f.Add(field.name, string(text))
		}
	}
}

// optional adds a field unless its value is empty.
func (f *Fields) optional(name, value string) {
	if value != "" {
		f.Add(name, value)
	}
}
