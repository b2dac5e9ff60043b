package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"
)

// The test binary itself has modules.
func TestTheBillOfMaterialsListsWhatIsLinked(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := write(&text, self); err != nil {
		t.Fatal(err)
	}
	var got bill
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Format != "CycloneDX" || len(got.Components) == 0 || got.Components[0].Name != "std" {
		t.Errorf("the bill of materials is %+v", got)
	}
}

func TestAModuleIsNamedWithItsVersionAndHash(t *testing.T) {
	t.Parallel()
	got := billOf(&debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "example.org/a", Version: "v1.2.3", Sum: "h1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="},
		{Path: "example.org/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/c", Version: "v2.0.0"}},
	}}, "trawl")
	a, b := got.Components[1], got.Components[2]
	if a.PURL != "pkg:golang/example.org/a@v1.2.3" || len(a.Hashes) != 1 ||
		!strings.HasPrefix(a.Hashes[0].Content, "000102030405") {
		t.Errorf("the module is %+v", a)
	}
	if b.Name != "example.org/c" || b.Version != "v2.0.0" || b.Hashes != nil {
		t.Errorf("the replaced module is %+v", b)
	}
}

func TestAFileThatIsNotABinaryIsRefused(t *testing.T) {
	t.Parallel()
	if err := write(&bytes.Buffer{}, "sbom.go"); err == nil || !strings.Contains(err.Error(), `"sbom.go"`) {
		t.Errorf("the error is %v", err)
	}
}
