package warctest

import "testing"

// Of returns the records of a type, or of one URI of a type.
func (a *Archive) Of(kind string, uri ...string) []*Record {
	var found []*Record
	for _, r := range a.Records {
		if r.Type() == kind && (len(uri) == 0 || r.Get("WARC-Target-URI") == uri[0]) {
			found = append(found, r)
		}
	}
	return found
}

// Captures returns the responses and revisits.
func (a *Archive) Captures() []*Record { return append(a.Of("response"), a.Of("revisit")...) }

// One returns the only record of a type and URI.
func (a *Archive) One(t testing.TB, kind, uri string) *Record {
	t.Helper()
	found := a.Of(kind, uri)
	if len(found) != 1 {
		t.Fatalf("%d records of type %s of %s, want 1", len(found), kind, uri)
	}
	return found[0]
}

// ByID returns the record with an ID, or nil.
func (a *Archive) ByID(id string) *Record {
	for _, r := range a.Records {
		if r.Get("WARC-Record-ID") == id {
			return r
		}
	}
	return nil
}
