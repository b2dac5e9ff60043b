package commoncrawl

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

func TestColumnsOfAHostAreThoseOfTheIndex(t *testing.T) {
	t.Parallel()
	for host, want := range map[crawler.Host]tabular.CaptureRow{
		"www.example.com": {HostTLD: "com", Host2nd: "example", Host3rd: "www", RegistrySuffix: "com",
			RegisteredDomain: "example.com", PrivateSuffix: "com", PrivateDomain: "example.com",
			HostReversed: "com.example.www"},
		"news.bbc.co.uk:8080": {HostName: "news.bbc.co.uk", HostTLD: "uk", Host2nd: "co", Host3rd: "bbc",
			Host4th: "news", RegistrySuffix: "co.uk", RegisteredDomain: "bbc.co.uk", PrivateSuffix: "co.uk",
			PrivateDomain: "bbc.co.uk", HostReversed: "uk.co.bbc.news"},
		"a.b.host1.sub.blogspot.com": {HostTLD: "com", Host2nd: "blogspot", Host3rd: "sub", Host4th: "host1",
			Host5th: "b", RegistrySuffix: "com", RegisteredDomain: "blogspot.com", PrivateSuffix: "blogspot.com",
			PrivateDomain: "sub.blogspot.com", HostReversed: "com.blogspot.sub.host1.b.a"},
		"bucket.s3.amazonaws.com": {HostTLD: "com", Host2nd: "amazonaws", Host3rd: "s3", Host4th: "bucket",
			RegistrySuffix: "com", RegisteredDomain: "amazonaws.com", PrivateSuffix: "s3.amazonaws.com",
			PrivateDomain: "bucket.s3.amazonaws.com", HostReversed: "com.amazonaws.s3.bucket"},
		// Suffixes themselves, a wildcard (*.ck) and its exception (!www.ck).
		"github.io": {HostTLD: "io", Host2nd: "github", RegistrySuffix: "io", RegisteredDomain: "github.io",
			PrivateSuffix: "github.io", HostReversed: "io.github"},
		"co.uk": {HostTLD: "uk", Host2nd: "co", RegistrySuffix: "co.uk", PrivateSuffix: "co.uk",
			HostReversed: "uk.co"},
		"x.y.ck": {HostTLD: "ck", Host2nd: "y", Host3rd: "x", RegistrySuffix: "y.ck", RegisteredDomain: "x.y.ck",
			PrivateSuffix: "y.ck", PrivateDomain: "x.y.ck", HostReversed: "ck.y.x"},
		"www.ck": {HostTLD: "ck", Host2nd: "www", RegistrySuffix: "ck", RegisteredDomain: "www.ck",
			PrivateSuffix: "ck", PrivateDomain: "www.ck", HostReversed: "ck.www"},
		"localhost": {HostTLD: "localhost", HostReversed: "localhost"},
		"shop.localhost:1": {HostName: "shop.localhost", HostTLD: "localhost", Host2nd: "shop",
			HostReversed: "localhost.shop"},
		"example.com.": {HostName: "example.com", HostTLD: "com", Host2nd: "example", RegistrySuffix: "com",
			RegisteredDomain: "example.com", PrivateSuffix: "com", PrivateDomain: "example.com",
			HostReversed: "com.example"},
		"127.0.0.1:8080": {HostName: "127.0.0.1"},
		"[2001:db8::1]":  {HostName: "[2001:db8::1]"},
	} {
		if want.HostName == "" {
			want.HostName = string(host)
		}
		var got tabular.CaptureRow
		hostColumns(&got, host)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", host, diff)
		}
	}
}
