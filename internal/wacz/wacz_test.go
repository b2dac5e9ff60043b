package wacz

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var created = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// packed returns an archive of n index lines.
func packed(t *testing.T, cfg Config, n int) (*zip.Reader, []byte) {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, cfg)
	data, err := w.Archive("data.warc.gz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(data, "the records"); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, "com,example)/%05d 20261130120000 {\"offset\": \"%d\"}\n", i, i)
	}
	if err := w.Index([]byte(lines.String())); err != nil {
		t.Fatal(err)
	}
	pages := []Page{{"1", "http://example.com/", created, "A <b>title</b>"}, {"2", "http://example.com/2", created, ""}}
	if err := w.Pages(slices.Values(pages)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r, file.Bytes()
}

// content reads a file of an archive.
func content(t *testing.T, r *zip.Reader, name string) []byte {
	t.Helper()
	f, err := r.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func hashOf(b []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(b)) }

func TestAnArchiveHasAllFilesAndTheirHashes(t *testing.T) {
	t.Parallel()
	r, whole := packed(t, Config{Title: "news", Software: "Trawl", Created: created}, 600)
	methods := make(map[string]uint16)
	for _, f := range r.File {
		methods[f.Name] = f.Method
	}
	want := map[string]uint16{"archive/data.warc.gz": zip.Store, "indexes/index.cdx.gz": zip.Store,
		"indexes/index.idx": zip.Deflate, "pages/pages.jsonl": zip.Deflate, "datapackage.json": zip.Deflate,
		"datapackage-digest.json": zip.Deflate}
	if diff := cmp.Diff(want, methods); diff != "" {
		t.Error(diff)
	}
	if !bytes.Contains(whole, []byte("the records")) {
		t.Error("the WARC file cannot be read in ranges of the archive")
	}
	var m struct {
		Profile, Title, Created, Software, MainPageURL, MainPageDate string
		Version                                                      string `json:"wacz_version"`
		Resources                                                    []resource
	}
	manifest := content(t, r, "datapackage.json")
	if err := json.Unmarshal(manifest, &m); err != nil {
		t.Fatal(err)
	}
	if m.Profile != "data-package" || m.Version != "1.1.1" || m.Title != "news" || m.Created != "2026-11-30T12:00:00Z" ||
		m.MainPageURL != "http://example.com/" || m.MainPageDate != "2026-11-30T12:00:00Z" || len(m.Resources) != 4 {
		t.Errorf("the manifest is\n%s", manifest)
	}
	for _, res := range m.Resources {
		text := content(t, r, res.Path)
		if res.Hash != hashOf(text) || res.Bytes != int64(len(text)) || res.Name != strings.ToLower(res.Name) {
			t.Errorf("the manifest says %+v, the file has %d bytes and the hash %s", res, len(text), hashOf(text))
		}
	}
	var digest map[string]any
	if err := json.Unmarshal(content(t, r, "datapackage-digest.json"), &digest); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"path": "datapackage.json", "hash": hashOf(manifest)}, digest); diff != "" {
		t.Error(diff)
	}
	wantPages := `{"format":"json-pages-1.0","id":"pages","title":"All Pages"}
{"id":"1","url":"http://example.com/","ts":"2026-11-30T12:00:00Z","title":"A <b>title</b>"}
{"id":"2","url":"http://example.com/2","ts":"2026-11-30T12:00:00Z"}
`
	if diff := cmp.Diff(wantPages, string(content(t, r, "pages/pages.jsonl"))); diff != "" {
		t.Error(diff)
	}
}

func TestEachBlockOfTheIndexIsFoundByItsFirstKey(t *testing.T) {
	t.Parallel()
	for n, blocks := range map[int]int{0: 0, 1: 1, 256: 1, 257: 2, 600: 3} {
		r, _ := packed(t, Config{}, n)
		index := content(t, r, "indexes/index.cdx.gz")
		lines := strings.Split(strings.TrimSuffix(string(content(t, r, "indexes/index.idx")), "\n"), "\n")
		if lines[0] != `!meta 0 {"format": "cdxj-gzip-1.0", "filename": "index.cdx.gz"}` || len(lines) != blocks+1 {
			t.Errorf("%d lines: the list of blocks is %q", n, lines)
			continue
		}
		found, end := 0, int64(0)
		for _, line := range lines[1:] {
			key, fields, _ := strings.Cut(line, " {")
			var at struct {
				Offset, Length   int64
				Digest, Filename string
			}
			if err := json.Unmarshal([]byte("{"+fields), &at); err != nil {
				t.Fatal(err)
			}
			block := index[at.Offset : at.Offset+at.Length]
			zip, err := gzip.NewReader(bytes.NewReader(block))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(zip)
			if err != nil || !strings.HasPrefix(string(text), key+" {") || at.Digest != hashOf(block) || at.Offset != end ||
				at.Filename != "index.cdx.gz" {
				t.Errorf("%d lines: the block of %s begins with %.60q (%v)", n, line, text, err)
			}
			found, end = found+strings.Count(string(text), "\n"), at.Offset+at.Length
		}
		if found != n || end != int64(len(index)) {
			t.Errorf("the blocks have %d of %d lines, and end at byte %d of %d", found, n, end, len(index))
		}
	}
}

// keyText returns a private key in PEM.
func keyText(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestASignatureIsThatOfTheManifest(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ParseSigner(keyText(t, key))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := packed(t, Config{Created: created, Software: "Trawl", Signer: signer}, 1)
	var digest struct {
		Hash       string
		SignedData Signature
	}
	if err := json.Unmarshal(content(t, r, "datapackage-digest.json"), &digest); err != nil {
		t.Fatal(err)
	}
	s := digest.SignedData
	raw, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || len(raw) != 96 {
		t.Fatalf("the signature has %d bytes (%v)", len(raw), err)
	}
	spki, err := base64.StdEncoding.DecodeString(s.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(s.Hash))
	valid := ecdsa.Verify(public.(*ecdsa.PublicKey), sum[:], new(big.Int).SetBytes(raw[:48]),
		new(big.Int).SetBytes(raw[48:]))
	if !valid || s.Hash != digest.Hash || s.Hash != hashOf(content(t, r, "datapackage.json")) {
		t.Errorf("the signature is not valid: %+v", digest)
	}
}

func TestKeysThatCannotSignAreRefused(t *testing.T) {
	t.Parallel()
	small, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"no key": "no private key in PEM", string(keyText(t, small)): "P-384",
		"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n": "asn1",
	} {
		if _, err := ParseSigner([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}
