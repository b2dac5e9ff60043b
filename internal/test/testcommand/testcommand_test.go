package testcommand

import (
	"os"
	"testing"
)

func TestTheDigestIsThatOfTheCommands(t *testing.T) {
	t.Parallel()
	digest := func(commands map[bool]string) string {
		dir := t.TempDir()
		for race, text := range commands {
			if err := os.WriteFile(Path(dir, race), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		d, err := DigestOf(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	whole := map[bool]string{false: "a", true: "b"}
	if first, second := digest(whole), digest(whole); first != second {
		t.Error("the digest depends on the folder")
	}
	seen := map[string]bool{}
	for _, commands := range []map[bool]string{whole, {false: "a"}, {true: "a"}, {false: "b", true: "a"}, {}} {
		if d := digest(commands); seen[d] {
			t.Errorf("different commands have one digest: %v", commands)
		} else {
			seen[d] = true
		}
	}
}

func TestTheBuiltCommandsAreThoseOfTheRun(t *testing.T) {
	t.Setenv(Dir, "/some/folder")
	if got := Built(); got != "/some/folder" {
		t.Errorf("got %q", got)
	}
}
