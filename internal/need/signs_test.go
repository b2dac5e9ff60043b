package need

import "testing"

func TestNeedIsThatOfRealKindsOfPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page     string
		signs    Signs
		links    int
		from, to float64
	}{
		{"an article of a static site", Signs{Text: 4000}, 40, 0, 0},
		{"a short page without scripts", Signs{Text: 20}, 0, 0, 0},
		{"an article with analytics", Signs{Text: 4000, Scripts: 6, State: 9000}, 40, 0, 0},
		{"a page that Next.js has rendered on the server", Signs{Text: 3000, Scripts: 12, State: 40_000, Root: true},
			30, 0, 0},
		{"a page that Nuxt has rendered, with a noscript element",
			Signs{Text: 3000, Scripts: 8, State: 40_000, Root: true, Noscript: true}, 30, 0, 0},
		{"a login form", Signs{Text: 120, Scripts: 2}, 4, 0.2, 0.5},
		{"a shell of React", Signs{Text: 10, Scripts: 1, Root: true, Noscript: true}, 0, 0.9, 1},
		{"a shell of Vue without a noscript element", Signs{Text: 12, Scripts: 2, Root: true}, 0, 0.8, 1},
		{"a shell with its menu rendered", Signs{Text: 150, Scripts: 3, Root: true}, 8, 0.6, 0.9},
		{"a page whose state is JSON", Signs{Text: 300, Scripts: 3, State: 60_000}, 0, 0.4, 0.65},
		{"a client redirect", Signs{Text: 12, Scripts: 1}, 0, 0.65, 1},
	} {
		if got := c.signs.Need(c.links); got < c.from || got > c.to {
			t.Errorf("%s has the need %.2f, want %.2f to %.2f", c.page, got, c.from, c.to)
		}
	}
}

func TestGained(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change        string
		before, after int
		fresh         int
		want          bool
	}{
		{"nothing", 1000, 1000, 0, false},
		{"a cookie banner", 1000, 1200, 0, false},
		{"a clock on an empty page", 10, 22, 0, false},
		{"an article", 100, 3000, 0, true},
		{"a link", 1000, 1000, 1, true},
		{"text that is gone", 1000, 10, 0, false},
	} {
		if got := Gained(Signs{Text: c.before}, Signs{Text: c.after}, c.fresh); got != c.want {
			t.Errorf("%s counts as a gain: %v, want %v", c.change, got, c.want)
		}
	}
}
