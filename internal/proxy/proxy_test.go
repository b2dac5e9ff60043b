package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://a.test":                   "http://a.test:8080",
		"https://u:secret@a.test":         "https://a.test:443",
		"socks5://a.test:9050/":           "socks5://a.test:9050",
		"socks5h://u:secret@[::1]":        "socks5://[::1]:1080",
		"http://u:se%2Fcr%40et@a.test:81": "http://a.test:81",
	} {
		p, err := Parse(text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%v %+v %#v", p, p, p); got != want+" "+want+" "+want {
			t.Errorf("%s is printed as %s, want %s", text, got, want)
		}
		if p.Remote() != strings.HasPrefix(text, "socks5h") {
			t.Errorf("%s: the proxy looks names up: %t", text, p.Remote())
		}
	}
	for _, text := range []string{
		"", "a.test:81", "ftp://u:secret@a.test", "http://", "http://u:secret@", "http://u:se/cret@a.test",
		"http://u:secret@a.test:http",
		"http://u:secret@a.test/path", "http://u:secret@a.test?q", "socks4://a.test", "http://u:secret@a.test:81:82",
		"http://u:secret%zz@a.test",
	} {
		if p, err := Parse(text, false); err == nil || strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: got %v, %v", text, p, err)
		}
	}
}

func TestHostsAreSpreadOverProxiesAndKeepTheirs(t *testing.T) {
	t.Parallel()
	var proxies []*Proxy
	for i := range 4 {
		p, err := Parse(fmt.Sprintf("http://10.0.0.%d:3128", i), false)
		if err != nil {
			t.Fatal(err)
		}
		proxies = append(proxies, p)
	}
	const hosts = 4000
	first := make(map[*Proxy]int)
	moved := 0
	for i := range hosts {
		host := fmt.Sprintf("host%d.example.org", i)
		p := Ranked(proxies, host)[0]
		first[p]++
		again := slices.Clone(proxies)
		slices.Reverse(again)
		if Ranked(again, host)[0] != p {
			t.Fatalf("%s has another proxy if the proxies are listed in another order", host)
		}
		if Ranked(proxies[:3], host)[0] != p {
			moved++
		}
	}
	for p, n := range first {
		if n < hosts/4*8/10 || n > hosts/4*12/10 {
			t.Errorf("%v has %d of %d hosts, want about a quarter", p, n, hosts)
		}
	}
	if moved != first[proxies[3]] {
		t.Errorf("after removing a proxy of %[2]d hosts, %[1]d hosts have another proxy", moved, first[proxies[3]])
	}
	p := Ranked(proxies, "a.test")
	p[0].Rest()
	if again := Ranked(proxies, "a.test"); again[0] != p[1] || again[3] != p[0] {
		t.Errorf("while the first proxy rests, the order is %v, was %v", again, p)
	}
}
