package queue

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestASeedWithALoginIsRefused(t *testing.T) {
	t.Parallel()
	for input, refused := range map[string]bool{
		"http://u:secret@a.test:81/b@c": true, "http://u@a.test/": true, "http://:secret@a.test/": true,
		"http://a.test/": false, "http://127.0.0.1:4711//b?//@c:d": false,
	} {
		u, err := ParseSeed(input)
		if errors.Is(err, ErrLogin) != refused || strings.Contains(fmt.Sprint(u, err), "secret") {
			t.Errorf("of %q: %v, %v", input, u, err)
		}
	}
	if u, err := ParseSeed("http://u:secret@exa mple/"); err == nil || strings.Contains(fmt.Sprint(u, err), "secret") {
		t.Errorf("of a malformed URL: %v, %v", u, err)
	}
}
