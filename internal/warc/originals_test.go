package warc

import (
	"fmt"
	"strings"
	"testing"
)

func TestOriginalsAreForgottenAfterTwoGenerations(t *testing.T) {
	t.Parallel()
	o := NewOriginals()
	key := func(i int) SHA1 { return byURI(fmt.Sprint(i)) }
	note := func(from, to, length int) {
		for i := from; i < to; i++ {
			o.Remember(map[SHA1]original{key(i): {uri: strings.Repeat("u", length)}})
		}
	}
	known := func(i int) bool { _, ok := o.find(key(i)); return ok }
	note(0, maxOriginals, 10)
	note(maxOriginals, maxOriginals+2, 10)
	if !known(0) || !known(1) {
		t.Error("the generation before is forgotten")
	}
	note(maxOriginals+2, 2*maxOriginals, 10)
	if !known(0) || known(2) || known(maxOriginals-1) {
		t.Error("what was asked for is to stay, and the rest of its generation is not")
	}
	big := NewOriginals()
	o = big
	note(0, 3000, 8000)
	if n := len(big.young) + len(big.old); n > 2*maxOriginalBytes/8000 {
		t.Errorf("%d long URIs are remembered", n)
	}
}
