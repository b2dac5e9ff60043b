package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/licensecheck"
)

// permissive are the licences (SPDX) of modules that may be linked into the binary: they allow
// others to use, change and distribute the code, and require only attribution.
var permissive = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "Unlicense",
	"Zlib"}

// leastCovered is the minimum percentage of a licence file that must be the text of known licences:
// other text may be conditions of its own.
const leastCovered = 75

// readByPeople are licence files that a person has read in that version. Their modules may be
// linked, although the check cannot recognise the text, because it is not a known licence or a list
// of several with prose between.
var readByPeople = map[string]string{
	"modernc.org/libc v1.80.1 LICENSE-3RD-PARTY.md":   "what is in it of Go is BSD-3-Clause, of musl, go-netdb and nixpkgs MIT",
	"modernc.org/memory v1.12.1 LICENSE-LOGO":         "of a picture in its documentation",
	"modernc.org/sqlite v1.62.0 LICENSE-3RD-PARTY.md": "what is linked is permissive; the MPL-2.0 is of golang-lru, which is not, and would be met here by itself",
	"modernc.org/sqlite v1.62.0 LICENSE-SQLITE":       "SQLite is in the public domain",
}

// licenceTrouble explains why a module must not be linked, given its licence file, or returns "".
func licenceTrouble(text []byte) string {
	found := licensecheck.Scan(text)
	if len(found.Match) == 0 {
		return "has no licence that is known"
	}
	for _, match := range found.Match {
		if !match.IsURL && !slices.Contains(permissive, match.ID) {
			return fmt.Sprintf("has the licence %s, which is not one of %s", match.ID, strings.Join(permissive, ", "))
		}
	}
	if found.Percent < leastCovered {
		return fmt.Sprintf("has a licence of which only %.0f%% is known", found.Percent)
	}
	return ""
}

// linked is a module that is linked into the binary.
type linked struct {
	Path, Version, Dir string
	Main               bool
}

// linkedModules lists the modules whose packages are linked into the binary, and into the full one
// with SQLite, on each system for which it is built.
func linkedModules(t *testing.T) map[string]linked {
	t.Helper()
	all := make(map[string]linked)
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, from := range []struct{ folder, pkg string }{{".", "./cmd/trawl"}, {"drivers", "./sqlite"}} {
			cmd := exec.CommandContext(t.Context(), "go", "list", "-C", from.folder, "-deps", "-json=Module", from.pkg)
			cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
			cmd.Stderr = os.Stderr
			text, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			addModules(t, all, text)
		}
	}
	return all
}

// addModules adds the modules of packages that go list has printed, except those of this project.
func addModules(t *testing.T, all map[string]linked, listed []byte) {
	t.Helper()
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var pkg struct{ Module *linked }
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if m := pkg.Module; m != nil && !m.Main && !strings.HasPrefix(m.Path, "github.com/trawlcrawler/") {
			all[m.Path] = *m
		}
	}
}

var licenceName = regexp.MustCompile(`(?i)^(un)?licen[sc]e|^copying`)

// licenceFiles returns the files at the top of a module that hold its licence.
func licenceFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var files []string
	for _, e := range entries {
		if licenceName.MatchString(e.Name()) && e.Type().IsRegular() {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	return files, err
}

func TestAllThatIsLinkedHasAPermissiveLicence(t *testing.T) {
	t.Parallel()
	modules := linkedModules(t)
	if len(modules) < 20 {
		t.Fatalf("only %d modules are linked: the list cannot be right", len(modules))
	}
	for path, m := range modules {
		files, err := licenceFiles(m.Dir)
		if err != nil || len(files) == 0 {
			t.Errorf("%s %s has no licence file: %v", path, m.Version, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if readByPeople[path+" "+m.Version+" "+filepath.Base(file)] != "" {
				continue
			}
			if trouble := licenceTrouble(text); trouble != "" {
				t.Errorf("%s %s %s (%s)", path, m.Version, trouble, filepath.Base(file))
			}
		}
	}
	t.Logf("%d modules are linked", len(modules))
}

func TestALicenceThatIsNotPermissiveIsRefused(t *testing.T) {
	t.Parallel()
	apache, err := os.ReadFile("LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	if trouble := licenceTrouble(apache); trouble != "" {
		t.Errorf("our own licence %s", trouble)
	}
	for _, licence := range licensecheck.BuiltinLicenses() {
		if slices.Contains([]string{"GPL-2.0", "GPL-3.0", "AGPL-3.0", "LGPL-3.0", "MPL-2.0", "CC-BY-NC-4.0"},
			licence.ID) && licence.LRE != "" {
			if trouble := licenceTrouble(append(apache, matchingText(licence.LRE)...)); trouble == "" {
				t.Errorf("%s is accepted beside another licence", licence.ID)
			}
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a letter": "You may use this if you are nice.",
		"a condition beside it": string(apache[:2000]) +
			strings.Repeat("You must also send us a postcard each year. ", 200),
	} {
		if licenceTrouble([]byte(text)) == "" {
			t.Errorf("%s is accepted", name)
		}
	}
}

var patternSyntax = regexp.MustCompile(`//\*\*.*?\*\*//|__\d+__|\(\(|\)\)\??|\|\||//.*`)

// matchingText returns a text that the pattern of a licence matches.
func matchingText(expression string) string { return patternSyntax.ReplaceAllString(expression, " ") }
