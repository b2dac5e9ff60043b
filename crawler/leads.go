package crawler

// What a record tells of other URLs, so that those can be found again whose own records
// were lost.

// Leads are the URLs that a record names, as the entries that the crawl would make of
// them. Which of them belong to the job is not known: the record has also links that
// were not followed. A record that was read from JSON and one that was just made are the
// same. Lists that the record has as numbers are left out; see [Record.Unlisted].
func (rec Record) Leads() []Entry {
	at, err := ParseURL(rec.FinalURL)
	if err != nil {
		return nil
	}
	var all []Entry
	add := func(text string, e Entry) {
		if e.URL, err = ParseURL(text); err == nil {
			all = append(all, e)
		}
	}
	listed, _ := listOf(rec.Links)
	resources, _ := listOf(rec.Resources)
	for _, text := range listed {
		add(text, Entry{Via: at, Depth: rec.Depth + 1})
	}
	for _, text := range resources {
		add(text, Entry{Via: at, Depth: rec.Depth + 1, Embeds: rec.Embeds + 1})
	}
	for _, text := range append([]string{rec.Canonical, rec.DuplicateOf}, rec.Redirects...) {
		add(text, Entry{Via: at, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds})
	}
	return all
}

// Parent is the page that led to the record's URL, as an entry; false when none is known
// to be a page: a seed has none, and what a sitemap or robots.txt lists has another kind.
func (rec Record) Parent() (Entry, bool) {
	u, err := ParseURL(rec.Via)
	if err != nil || rec.Sitemap > 0 {
		return Entry{}, false
	}
	return Entry{URL: u, Depth: max(0, rec.Depth-1), Embeds: max(0, rec.Embeds-1)}, true
}

// Unlisted reports whether the page led to URLs that the record does not list.
func (rec Record) Unlisted() bool {
	_, links := listOf(rec.Links)
	_, resources := listOf(rec.Resources)
	return rec.Sitemap > 0 || links > 0 || resources > 0
}

// Own is the entry that the record is of.
func (rec Record) Own() (Entry, error) {
	u, err := ParseURL(rec.URL)
	e := Entry{URL: u, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds}
	if via, failed := ParseURL(rec.Via); failed == nil {
		e.Via = via
	}
	return e, err
}

// Followed are the URLs that have no record of their own because this one has them:
// where redirects led within the host.
func (rec Record) Followed() []URL {
	led := rec.Redirects
	if rec.Outcome == OutcomeRedirected && len(led) > 0 {
		led = led[:len(led)-1] // the last has, or had, its own turn
	}
	var all []URL
	for _, text := range led {
		if u, err := ParseURL(text); err == nil {
			all = append(all, u)
		}
	}
	return all
}

// listOf reads a list of URLs, or how many there are that are not listed.
func listOf(links any) (listed []string, unlisted int) {
	switch v := links.(type) {
	case []string:
		return v, 0
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				listed = append(listed, text)
			}
		}
	case int:
		return nil, v
	case float64:
		return nil, int(v)
	}
	return listed, 0
}
