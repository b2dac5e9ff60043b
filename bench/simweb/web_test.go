package simweb

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"testing"
)

func newWeb(t *testing.T, change func(*Config)) *Web {
	t.Helper()
	cfg := Default()
	cfg.Hosts, cfg.Pages = 300, 6000
	if change != nil {
		change(&cfg)
	}
	w, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// get asks for a URL; the status is 0 where there is no answer.
func get(t *testing.T, w *Web, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.RoundTrip(req)
	if err != nil {
		return 0, ""
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

var href = regexp.MustCompile(`href="([^"]*)"`)

// walk follows all links from page 0 of host 0, as one who obeys robots.txt.
func walk(t *testing.T, w *Web) {
	t.Helper()
	seen, queue := map[string]bool{}, []string{w.URL(Ref{})}
	rules := map[int]bool{}
	for len(queue) > 0 {
		url := queue[0]
		queue = queue[1:]
		if seen[url] {
			continue
		}
		seen[url] = true
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		host, ok := w.hostOf(req.URL.Host)
		if !ok {
			t.Fatalf("%s leads out of the web", url)
		}
		if !rules[host] {
			rules[host] = true
			get(t, w, w.Origin(host)+"/robots.txt")
		}
		if r, ok := w.pageOf(host, req.URL.Path); !ok || w.forbidden(r) {
			continue
		}
		_, body := get(t, w, url)
		for _, match := range href.FindAllStringSubmatch(body, -1) {
			next := match[1]
			if next[0] == '/' {
				next = w.Origin(host) + next
			}
			queue = append(queue, next)
		}
	}
}

func TestWhoFollowsAllLinksFindsEverything(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"as it is":           nil,
		"with many deaths":   func(c *Config) { c.Dead, c.Gone, c.Failing = 0.3, 0.2, 0.1 },
		"with many rules":    func(c *Config) { c.Ruled, c.Private = 0.45, 0.4 },
		"with one host":      func(c *Config) { c.Hosts = 1 },
		"of hosts of a size": func(c *Config) { c.Skew = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t, change)
			walk(t, w)
			got := w.Ledger().Close()
			if got.Missed > 0 || got.Twice > 0 || got.Forbidden > 0 || got.Early > 0 || got.Unknown > 0 {
				t.Errorf("of %d pages: %+v", w.Pages(), got)
			}
			if got.Asked == 0 {
				t.Error("nothing was asked for")
			}
		})
	}
}

func TestTheLedgerNotesWhatIsNotAsItShouldBe(t *testing.T) {
	w := newWeb(t, func(c *Config) { c.Dead, c.Ruled, c.Private, c.Gone, c.Failing = 0, 0.45, 0.45, 0, 0 })
	var forbidden Ref
	for host := range w.Hosts() {
		for page := range w.Size(host) {
			if r := (Ref{host, page}); w.forbidden(r) {
				forbidden = r
			}
		}
	}
	get(t, w, w.URL(forbidden))
	get(t, w, w.URL(Ref{}))
	get(t, w, w.URL(Ref{}))
	get(t, w, w.Origin(0)+"/elsewhere")
	got := w.Ledger().Close()
	if got.Forbidden != 1 || got.Early != 4 || got.Twice != 1 || got.Unknown != 1 || got.Asked != 3 || got.Missed == 0 {
		t.Errorf("the ledger says %+v", got)
	}
}

func TestAWebIsTheSameEachTime(t *testing.T) {
	one, again, other := newWeb(t, nil), newWeb(t, nil), newWeb(t, func(c *Config) { c.Seed = 2 })
	same, differ := 0, 0
	for host := range one.Hosts() {
		_, body := get(t, one, one.Origin(host)+"/")
		if _, twin := get(t, again, again.Origin(host)+"/"); twin == body {
			same++
		}
		if _, strange := get(t, other, other.Origin(host)+"/"); strange != body {
			differ++
		}
	}
	if same != one.Hosts() || differ < one.Hosts()/20 {
		t.Errorf("of %d hosts %d are the same again, and %d differ with another seed", one.Hosts(), same, differ)
	}
}

func TestHostsHaveSizesAsZipfSays(t *testing.T) {
	w := newWeb(t, func(c *Config) { c.Hosts, c.Pages = 10_000, 1_000_000 })
	if got := w.Pages(); got < 990_000 || got > 1_010_000 {
		t.Errorf("there are %d pages, want about a million", got)
	}
	if one, ten := w.Size(0), w.Size(9); one/ten < 9 || one/ten > 11 {
		t.Errorf("the first host has %d pages and the tenth %d, want ten times as many", one, ten)
	}
}

func TestAWebIsServedAtAddressesOfTheLoopbackInterface(t *testing.T) {
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	w := newWeb(t, func(c *Config) { c.Naming, c.Dead = Addresses{l.Addr().(*net.TCPAddr).Port}, 0 })
	server := &http.Server{Handler: w}
	go server.Serve(l)
	defer server.Close()
	for _, host := range []int{0, 1, 253, 254, 299} {
		resp, err := http.Get(w.Origin(host) + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if _, want := get(t, w, w.Origin(host)+"/"); err != nil || string(body) != want {
			t.Errorf("host %d answers %d, %q, %v; want %q", host, resp.StatusCode, body, err, want)
		}
	}
	if first, last := w.Ledger().Span(); first.IsZero() || last.Before(first) {
		t.Errorf("requests from %v to %v", first, last)
	}
}

func TestNamesAreRead(t *testing.T) {
	for _, naming := range []Naming{Names{}, Addresses{8080}} {
		for _, host := range []int{0, 1, 253, 254, 65_023, 65_024, 9_999_999} {
			if got, ok := naming.Number(naming.Name(host)); !ok || got != host {
				t.Errorf("%s is read as %d, %t; want %d", naming.Name(host), got, ok, host)
			}
		}
		for _, other := range []string{"", "example.com", "127.0.0.1:8080", "127.1.0.1:81", "127.1.0.0:8080",
			"www.site-x.sim.example"} {
			if got, ok := naming.Number(other); ok {
				t.Errorf("%q is read as %d", other, got)
			}
		}
	}
}
