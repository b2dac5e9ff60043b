package setting

import (
	"strings"
	"testing"
)

func TestAJobFileHasOneDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "name: a\n", "---\nname: a\n", "# mine\n---\nname: a\n---\n", "name: a\n...\n",
		"--- # mine\nname: a\n---\n# nothing more\n...\n\n",
		"%YAML 1.2\n---\nname: a\n", "name: a\r\n---\r\n", "text: |\n  ---\n  more\n",
		"name: --- x\nseeds:\n- a\n#---\n", "---a: b\n", "--- {name: a}\n",
	} {
		if err := CheckOneDocument([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, at := range map[string]string{
		"name: a\n---\nname: b\n": "[3:1]", "name: a\n---\n---\n\nname: b": "[5:1]",
		"---\nname: a\n...\nname: b\n": "[4:1]",
		"name: a\r\n--- {name: b}\r\n": "[2:1]", "name: a\n---\n# c\n---\n- 1\n": "[5:1]",
		"---\n---\nname: a\n---\t- b\n": "[4:1]",
	} {
		if err := CheckOneDocument([]byte(text)); err == nil ||
			!strings.HasPrefix(err.Error(), at+" a second document starts") {
			t.Errorf("%q: %v, want %s", text, err, at)
		}
	}
}
