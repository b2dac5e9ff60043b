package blockpage

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// read returns the response in a file of testdata/pages. Its name begins with the mark that it
// should have, or with "none".
func read(t testing.TB, path string) (want string, r Response) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	resp, err := http.ReadResponse(bufio.NewReader(f), nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	want, _, _ = strings.Cut(filepath.Base(path), "--")
	if want == "none" {
		want = ""
	}
	return want, Response{Status: resp.StatusCode, Header: resp.Header, Body: body, Size: int64(len(body))}
}

func pagePaths(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/pages/*.http")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages in testdata/pages: %v", err)
	}
	return paths
}

func TestBlockPagesAreRecognisedAndPagesLikeThemAreNot(t *testing.T) {
	t.Parallel()
	found := make(map[string]bool)
	for _, path := range pagePaths(t) {
		want, r := read(t, path)
		if got := Find(r); got != want {
			t.Errorf("%s: mark %q, want %q", filepath.Base(path), got, want)
		}
		found[want] = true
	}
	for _, m := range Marks() {
		if !found[m.Name] {
			t.Errorf("no page in testdata/pages has the mark %q", m.Name)
		}
	}
}

// TestEveryRuleHasAPage makes sure that each rule of the table is satisfied by some page.
func TestEveryRuleHasAPage(t *testing.T) {
	t.Parallel()
	for _, m := range marks {
		for i, rule := range m.rules {
			if !satisfied(t, rule) {
				t.Errorf("no page in testdata/pages satisfies rule %d of the mark %q", i, m.Name)
			}
		}
	}
}

func satisfied(t *testing.T, rule rule) bool {
	for _, path := range pagePaths(t) {
		_, r := read(t, path)
		p := new(page)
		if rule.header != "" && !(len(r.Header[rule.header]) > 0 && rule.named(r.Header[rule.header])) {
			continue
		}
		if p.scan(r.Body) && rule.holds(r, p) {
			return true
		}
	}
	return false
}

func TestAnOrdinaryPageWithoutBodyOrHeadersIsNone(t *testing.T) {
	t.Parallel()
	for _, r := range []Response{{}, {Status: 200}, {Status: 403}, {Status: 403, Body: []byte{}},
		{Status: 503, Body: []byte(" ")}} {
		if got := Find(r); got != "" {
			t.Errorf("%+v has the mark %q", r, got)
		}
	}
}

// TestALongPageIsContent puts the parts of block pages on pages that are too long for one.
func TestALongPageIsContent(t *testing.T) {
	t.Parallel()
	for _, path := range pagePaths(t) {
		want, r := read(t, path)
		if want == "" || r.Status != 200 {
			continue
		}
		long := strings.Repeat("<p>One more word of a long article.</p>", maxWords/7+1)
		body := strings.Replace(string(r.Body), "<body", long+"<body", 1)
		if body == string(r.Body) {
			body = long + body
		}
		r.Body, r.Size = []byte(body), int64(len(body))
		if got := Find(r); got != "" {
			t.Errorf("%s: a long page has the mark %q", filepath.Base(path), got)
		}
	}
}

// TestOnlyRefusingStatusesMakeDenials serves pages that need a refusing status with 200 and 404.
func TestOnlyRefusingStatusesMakeDenials(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"akamai-denied--reference", "cloudflare-denied--access", "cloudfront-denied--blocked", "wordfence--blocked",
		"challenge--words", "kasada--ips", "ddos-guard--check",
	} {
		_, r := read(t, filepath.Join("testdata", "pages", name+".http"))
		for _, status := range []int{200, 404, 500} {
			if r.Status = status; Find(r) != "" {
				t.Errorf("%s with status %d has the mark %q", name, status, Find(r))
			}
		}
	}
}

// FuzzFind makes sure that any response can be looked at, and that it is not changed.
func FuzzFind(f *testing.F) {
	for _, path := range pagePaths(f) {
		_, r := read(f, path)
		f.Add(r.Status, "Cf-Mitigated", "x", r.Body)
	}
	f.Add(403, "X-Dd-B", "", []byte("<script"))
	f.Fuzz(func(t *testing.T, status int, header, value string, body []byte) {
		r := Response{Status: status, Header: http.Header{header: {value}}, Body: body, Size: int64(len(body))}
		before := string(body)
		first := Find(r)
		if string(body) != before {
			t.Error("the body was changed")
		}
		if again := Find(r); again != first {
			t.Errorf("the mark is %q, and then %q", first, again)
		}
		if first != "" && About(first) == "a block page" {
			t.Errorf("the mark %q is not in the table", first)
		}
	})
}

// TestTheDocumentListsTheMarks compares docs/blocked.md with the table.
func TestTheDocumentListsTheMarks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/blocked.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, m := range Marks() {
		table.WriteString("| `" + m.Name + "` | " + m.About + " | " + m.Signs + " |\n")
	}
	if !strings.Contains(string(text), table.String()) {
		t.Errorf("docs/blocked.md lacks this table:\n%s", table.String())
	}
}
