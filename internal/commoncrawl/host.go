package commoncrawl

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// hostColumns fills the columns of a row that describe a host. Those of an address are null,
// except for its name. So are suffixes and domains of a name that is not below a public suffix,
// such as localhost, and the domains of a name that is a public suffix.
func hostColumns(row *tabular.CaptureRow, h crawler.Host) {
	name := strings.TrimSuffix(h.Name(), ".")
	row.HostName = name
	if a, ok := h.Address(); ok {
		if a.Is6() {
			row.HostName = "[" + name + "]"
		}
		return
	}
	parts := strings.Split(name, ".")
	slices.Reverse(parts)
	row.HostReversed = strings.Join(parts, ".")
	columns := []*string{&row.HostTLD, &row.Host2nd, &row.Host3rd, &row.Host4th, &row.Host5th}
	for i, part := range parts[:min(len(parts), len(columns))] {
		*columns[i] = part
	}
	row.PrivateSuffix = suffixOf(name)
	row.RegistrySuffix = registrySuffix(name)
	row.PrivateDomain = domainBelow(row.PrivateSuffix, name)
	row.RegisteredDomain = domainBelow(row.RegistrySuffix, name)
}

// suffixOf returns the public suffix of a name, of registries or of others, or "" if no rule
// of the list matches: then the library returns the last label.
func suffixOf(name string) string {
	suffix, registry := publicsuffix.PublicSuffix(name)
	if registry || strings.Contains(suffix, ".") {
		return suffix
	}
	return ""
}

// registrySuffix returns the public suffix by the rules of registries alone, or "". Where a
// rule of others prevails, those of registries are the ones that match fewer labels.
func registrySuffix(name string) string {
	for name != "" {
		suffix, registry := publicsuffix.PublicSuffix(name)
		if registry {
			return suffix
		}
		_, name, _ = strings.Cut(suffix, ".")
	}
	return ""
}

// domainBelow returns the suffix of a name with one more label, or "" if the name is no longer.
func domainBelow(suffix, name string) string {
	above, ok := strings.CutSuffix(name, "."+suffix)
	if suffix == "" || !ok {
		return ""
	}
	return above[strings.LastIndexByte(above, '.')+1:] + "." + suffix
}
