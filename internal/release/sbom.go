// Command release writes the software bill of materials of a built binary to standard
// output, as CycloneDX 1.6 in JSON: every module that is linked in, with its version and
// its hash from go.sum. It reads what the go command recorded in the binary, so it lists
// neither modules of tests nor those of other systems.
//
//	go run ./internal/release dist/trawl_0.2.0_linux_amd64 >dist/trawl_0.2.0_linux_amd64.cdx.json
package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: release BINARY >SBOM.json")
		os.Exit(2)
	}
	if err := write(os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// write writes the bill of materials of a binary.
func write(w io.Writer, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("read the build info of %q: %w", binary, err)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(billOf(info, filepath.Base(binary)))
}

// bill is a document of CycloneDX 1.6 with the fields that we fill in.
type bill struct {
	Format     string      `json:"bomFormat"`
	Spec       string      `json:"specVersion"`
	Version    int         `json:"version"`
	Metadata   metadata    `json:"metadata"`
	Components []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

func billOf(info *debug.BuildInfo, name string) bill {
	b := bill{
		Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata: metadata{component{Type: "application", Name: name, PURL: purl(info.Main)}},
		Components: []component{
			{Type: "library", Name: "std", Version: info.GoVersion,
				PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")},
		},
	}
	for _, dep := range info.Deps {
		m := *dep
		if m.Replace != nil {
			m = *m.Replace
		}
		c := component{Type: "library", Name: m.Path, Version: m.Version, PURL: purl(m)}
		// go.sum has the hash of a module's files as "h1:" and base64.
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(sum)}}
		}
		b.Components = append(b.Components, c)
	}
	return b
}

// purl is the package URL of a module.
func purl(m debug.Module) string {
	p := "pkg:golang/" + m.Path
	if m.Version != "" && m.Version != "(devel)" {
		p += "@" + m.Version
	}
	return p
}
