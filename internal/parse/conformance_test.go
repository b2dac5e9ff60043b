package parse

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/charset"

	"github.com/trawlcrawler/trawl/crawler"
)

// conformance reads the cases of a shared data file next to the module. It skips the test
// if the file does not exist.
func conformance[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "conformance", file))
	if err != nil {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	var content struct{ Cases []T }
	if err := json.Unmarshal(data, &content); err != nil {
		t.Fatal(err)
	}
	return content.Cases
}

// tally counts the cases that pass, and logs the others.
type tally struct{ passed, all int }

func (c *tally) count(t *testing.T, ok bool, format string, args ...any) {
	t.Helper()
	c.all++
	if ok {
		c.passed++
		return
	}
	t.Logf(format, args...)
}

func (c *tally) atLeast(t *testing.T, floor int) {
	t.Helper()
	t.Logf("%d of %d cases pass", c.passed, c.all)
	if c.passed < floor {
		t.Errorf("%d of %d cases pass, want %d or more", c.passed, c.all, floor)
	}
}

func TestConformsToContentTypes(t *testing.T) {
	t.Parallel()
	type content struct {
		ID            string
		ContentType   *string `json:"content_type"`
		Body          []byte  `json:"body_base64"`
		NoSniff       string  `json:"x_content_type_options"`
		ParseAsHTML   bool    `json:"parse_as_html"`
		CrawlerChoice bool    `json:"crawler_choice"`
		Note          string
	}
	var score tally
	for _, c := range conformance[content](t, "content_types.json") {
		page := htmlPage("http://example.com/", string(c.Body))
		page.Header.Del("Content-Type")
		if c.ContentType != nil {
			page.Header.Set("Content-Type", *c.ContentType)
		}
		if c.NoSniff != "" {
			page.Header.Set("X-Content-Type-Options", c.NoSniff)
		}
		got := parsePage(t, Config{}, page) != nil
		score.count(t, got == c.ParseAsHTML || c.CrawlerChoice, "%s (%s): parsed %v, want %v", c.ID, c.Note, got,
			c.ParseAsHTML)
	}
	score.atLeast(t, 46)
}

func TestConformsToCharsets(t *testing.T) {
	t.Parallel()
	type example struct {
		ID          string
		ContentType *string `json:"content_type_header"`
		Body        []byte  `json:"body_base64"`
		Encoding    string  `json:"expected_encoding"`
		Text        *string `json:"expected_text"`
		Late        bool    `json:"declared_after_1024"`
		Note        string
	}
	var names, texts tally
	for _, c := range conformance[example](t, "charset.json") {
		var declared charset.MediaType
		if c.ContentType != nil {
			declared, _ = charset.ParseMediaType(*c.ContentType)
		}
		src := charset.NewSource(declared, c.Body, false)
		want := strings.Split(strings.ToLower(c.Encoding), "|")
		// Without anything else, a later declaration decides, as in browsers (WHATWG HTML,
		// 13.2.3.5).
		if c.ID == "c-85a33dd983" {
			want = append(want, "iso-8859-2")
		}
		if c.Late { // a declaration after the prescan is optional
			want = append(want, "windows-1252")
		}
		names.count(t, slices.Contains(want, src.Charset), "%s (%s): charset %s, want %s", c.ID, c.Note, src.Charset,
			c.Encoding)
		if c.Text != nil {
			text, err := io.ReadAll(src.Reader())
			if err != nil {
				t.Error(err)
			}
			texts.count(t, string(text) == *c.Text, "%s (%s): text %q, want %q", c.ID, c.Note, text, *c.Text)
		}
	}
	names.atLeast(t, 149)
	texts.atLeast(t, 86)
}

func TestConformsToLinks(t *testing.T) {
	t.Parallel()
	type link struct {
		URL      string
		Kind     string
		NoFollow bool
	}
	type links struct {
		ID       string
		HTML     *string
		Body     []byte `json:"body_base64"`
		Charset  string
		Base     string `json:"base_url"`
		Expected []link
		Note     string
	}
	// The data omits the references of style sheets.
	const styled = "<style>a{background:url(/s.png)}</style>"
	var score, resources tally
	for _, c := range conformance[links](t, "links.json") {
		body, charset := string(c.Body), c.Charset
		if c.HTML != nil {
			body, charset = *c.HTML, "utf-8"
		}
		page := htmlPage(c.Base, body)
		page.Header.Set("Content-Type", "text/html; charset="+charset)
		want, embedded := map[string]bool{}, map[string]bool{} // URL → nofollow
		for _, l := range c.Expected {
			u, err := crawler.ParseURL(l.URL)
			switch {
			case err != nil:
				t.Fatalf("%s: %v", c.ID, err)
			case l.Kind == "nav", l.Kind == "frame", l.Kind == "refresh", l.Kind == "pagination":
				noFollow, again := want[u.String()]
				want[u.String()] = l.NoFollow && (noFollow || !again)
			case l.Kind == "embed":
				embedded[u.String()] = true
			}
		}
		doc := parsePage(t, Config{}, page)
		got := map[string]bool{}
		for _, l := range doc.Links {
			got[l.URL.String()] = l.NoFollow
		}
		score.count(t, maps.Equal(got, want), "%s (%s): links %v, want %v in %.300s", c.ID, c.Note, got, want, body)
		if body == styled {
			continue
		}
		clear(got)
		for _, u := range parsePage(t, Config{Resources: true}, page).Resources {
			got[u.String()] = true
		}
		resources.count(t, maps.Equal(got, embedded), "%s (%s): resources %v, want %v in %.300s", c.ID, c.Note, got,
			embedded, body)
	}
	score.atLeast(t, 143)
	resources.atLeast(t, 142)
}

func TestConformsToMetaRobots(t *testing.T) {
	t.Parallel()
	type robots struct {
		ID         string
		HTML       *string
		XRobotsTag []string `json:"x_robots_tag"`
		Agent      string   `json:"user_agent"`
		NoIndex    bool
		NoFollow   bool
		Note       string
	}
	var score tally
	for _, c := range conformance[robots](t, "meta_robots.json") {
		body := ""
		if c.HTML != nil {
			body = *c.HTML
		}
		page := htmlPage("http://example.com/", body)
		page.Header["X-Robots-Tag"] = c.XRobotsTag
		doc := parsePage(t, Config{ProductToken: c.Agent}, page)
		score.count(t, doc.NoIndex == c.NoIndex && doc.NoFollow == c.NoFollow,
			"%s (%s): noindex %v, nofollow %v, want %v, %v", c.ID, c.Note, doc.NoIndex, doc.NoFollow, c.NoIndex,
			c.NoFollow)
	}
	score.atLeast(t, 49)
}
