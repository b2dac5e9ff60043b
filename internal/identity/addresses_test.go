package identity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/identity"
)

func TestAddressesAreListedAsSearchEnginesDo(t *testing.T) {
	t.Parallel()
	list, err := identity.NewAddressList([]string{"203.0.113.9", "2001:db8::/48", "192.0.2.0/24", "203.0.113.9/32",
		"::ffff:203.0.113.9"}, time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(list)
	want := `{"creationTime":"2026-11-30T10:00:00.000000","prefixes":[{"ipv4Prefix":"192.0.2.0/24"},` +
		`{"ipv4Prefix":"203.0.113.9/32"},{"ipv6Prefix":"2001:db8::/48"}]}`
	if err != nil || string(got) != want {
		t.Errorf("the list is\n%s, want\n%s (%v)", got, want, err)
	}
}

func TestAddressesThatSitesDoNotSeeAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "example.org", "10.0.0.1", "127.0.0.1", "fe80::1%eth0", "192.0.2.7/24", "0.0.0.0/0",
		"192.0.2.0/33", "fd00::/8"} {
		if _, err := identity.NewAddressList([]string{text}, time.Now()); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, err := identity.NewAddressList(nil, time.Now()); err == nil {
		t.Error("an empty list is not refused")
	}
}
