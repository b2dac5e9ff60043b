package pathblock

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestABlockKeepsItsNamesInOrder(t *testing.T) {
	t.Parallel()
	many := make([]string, 512)
	for i := range many {
		many[i] = fmt.Sprintf("/docs/%d/chapter-%d.html", i%7, i*7919%512)
	}
	sorted := slices.Sorted(slices.Values(many))
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, names := range map[string][]string{
		"none": nil, "one": {"/"}, "two": {"/b", "/a"}, "an empty one": {"", "/"}, "the same twice": {"/a", "/a", "/"},
		"all bytes": {"/\x00\xff", "/\x00"}, "many": many, "sorted": sorted,
		"a few": many[:60], "no byte is left": {string(every), "/"},
	} {
		got, plain, err := Unpack(Pack(names))
		if err != nil || plain != 0 || !slices.Equal(got, names) {
			t.Errorf("%s: %d plain, %v (-want +got):\n%s", name, plain, err, cmp.Diff(names, got))
		}
	}
}

func TestNamesAreAppendedToABlock(t *testing.T) {
	t.Parallel()
	block := Append(Append(nil, "/b"), "/a")
	if got, plain, err := Unpack(block); err != nil || plain != 2 || !slices.Equal(got, []string{"/b", "/a"}) {
		t.Errorf("got %q, %d plain, %v", got, plain, err)
	}
	block = Append(Pack([]string{"/b", "/a"}), "/c")
	if got, plain, err := Unpack(block); err != nil || plain != 1 || !slices.Equal(got, []string{"/b", "/a", "/c"}) {
		t.Errorf("got %q, %d plain, %v", got, plain, err)
	}
}

func TestAPackedBlockIsSmall(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"crawler", "frontier", "host", "visit", "robots", "sink", "segment", "ledger", "archive", "index"}
	names, plain := make([]string, 512), 0
	for i := range names {
		names[i] = fmt.Sprintf("/%s/%s/%s-%d.html", words[random.IntN(3)], words[random.IntN(len(words))],
			words[random.IntN(len(words))], random.IntN(1000))
		plain += len(names[i])
	}
	if got := len(Pack(names)); got > 8*len(names) {
		t.Errorf("%d names of %d bytes take %d, want at most 8 each", len(names), plain, got)
	}
}

// At a site with a hundred pages, the prefixes that names share are worth less than what zstd needs for
// their lengths.
func TestABlockOfAHundredNamesHasThemWhole(t *testing.T) {
	t.Parallel()
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf("/docs/%c/chapter-%d.html\x00\x01\x01", 'a'+i*7%26, i*7919%100_000)
	}
	block := Pack(names)
	if got, _, err := Unpack(block); err != nil || !slices.Equal(got, names) || block[0] != whole {
		t.Fatalf("a block of kind %d has %q, %v", block[0], got, err)
	}
	if len(block) > 6*len(names) {
		t.Errorf("%d names take %d bytes, want at most 6 each", len(names), len(block))
	}
}

func TestDamagedBlocksAreErrors(t *testing.T) {
	t.Parallel()
	good := Pack([]string{"/c", "/a", "/b"})
	lines := codec().encoder.EncodeAll([]byte("/a 1/b 1/c"), []byte{' ', 3<<1 | 1})
	withoutEnds := append([]byte{whole, byte(len(lines))}, lines...)
	for name, block := range map[string][]byte{
		"a kind that does not exist": {7, 0}, "no length": {packed}, "cut off": good[:len(good)-1],
		"a name that is cut off": {plainName, 5, '/'}, "no content": {packed, 0},
		"more names than there may be": {packed, 4, 0xff, 0xff, 0xff, 0x7f},
		"no byte for ends":             {whole, 0}, "fewer ends than names": withoutEnds,
		"an order with a place twice": append([]byte{packed, good[1]}, bytes.Repeat([]byte{good[2]}, len(good)-2)...),
	} {
		if names, _, err := Unpack(block); !errors.Is(err, ErrBlock) {
			t.Errorf("%s: %q, %v", name, names, err)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(Pack([]string{"/c", "/a", "/b"}))
	f.Add(Append(Pack([]string{"/a"}), "/b"))
	f.Fuzz(func(t *testing.T, block []byte) {
		names, _, err := Unpack(block)
		if err != nil {
			return
		}
		if again, _, err := Unpack(Pack(names)); err != nil || !slices.Equal(again, names) {
			t.Errorf("%q is unpacked as %q, %v", names, again, err)
		}
	})
}
