package redisconn

import "testing"

func TestEachDistressOfRedisHasItsWords(t *testing.T) {
	t.Parallel()
	for _, word := range append(passes, "NOAUTH", "WRONGPASS", "NOPERM") {
		if word != "TRYAGAIN" && distresses[word] == "" { // of a moment, while a slot moves
			t.Errorf("nothing is said about %s", word)
		}
	}
}
