package rights

import (
	"bytes"
	"encoding/json"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// maxLocations is how many rules of a tdmrep.json are used.
const maxLocations = 1000

// Location is a rule of a tdmrep.json (TDM Reservation Protocol, 6.1).
type Location struct {
	Pattern     string `json:"location"` // of paths, as in robots.txt
	Reservation string `json:"reservation"`
	Policy      string `json:"policy,omitempty"` // as written
}

// Locations reads the rules of a tdmrep.json, in order. It skips rules that are not valid. Of a
// file that is cut off or malformed, it reads the rules before that point.
func Locations(file []byte) []Location {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('[') {
		return nil
	}
	var all []Location
	for decoder.More() && len(all) < maxLocations {
		var entry json.RawMessage
		if decoder.Decode(&entry) != nil {
			break
		}
		if l, ok := locationOf(entry); ok {
			all = append(all, l)
		}
	}
	return all
}

// locationOf reads one rule. A reservation is an integer, but some sites quote it.
func locationOf(entry json.RawMessage) (Location, bool) {
	var rule struct {
		Location    string          `json:"location"`
		Reservation json.RawMessage `json:"tdm-reservation"`
		Policy      any             `json:"tdm-policy"`
	}
	if json.Unmarshal(entry, &rule) != nil {
		return Location{}, false
	}
	l := Location{Pattern: rule.Location, Reservation: string(bytes.Trim(rule.Reservation, `"`))}
	if len(l.Pattern) == 0 || l.Pattern[0] != '/' && l.Pattern[0] != '*' || len(l.Pattern) > urltext.MaxLength ||
		l.Reservation != TDMFree && l.Reservation != TDMReserved {
		return Location{}, false
	}
	if policy, _ := rule.Policy.(string); len(policy) <= urltext.MaxLength {
		l.Policy = policy
	}
	return l, true
}
