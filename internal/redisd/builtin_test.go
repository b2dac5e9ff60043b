package redisd

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func startBuiltin(t *testing.T) *Builtin {
	t.Helper()
	b, err := StartBuiltin(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestTheBuiltinLetsKeysExpire(t *testing.T) {
	t.Parallel()
	c := connect(t, startBuiltin(t).URL())
	if err := c.Set(t.Context(), "bream", "caught", 150*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for ticker := time.NewTicker(tick); ; {
		n, err := c.Exists(t.Context(), "bream").Result()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		<-ticker.C
	}
}

func TestTheBuiltinTellsScriptsTheRealTime(t *testing.T) {
	t.Parallel()
	c := connect(t, startBuiltin(t).URL())
	before := time.Now().Unix()
	got, err := c.Eval(t.Context(), `return tonumber(redis.call("TIME")[1])`, nil).Int64()
	if err != nil {
		t.Fatal(err)
	}
	if after := time.Now().Unix(); got < before || got > after {
		t.Errorf("TIME is %d, want %d to %d", got, before, after)
	}
}

func TestTheBuiltinRequiresItsPassword(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	stranger := redis.NewClient(&redis.Options{Addr: b.redis.Addr()})
	defer stranger.Close()
	err := stranger.Get(t.Context(), "bream").Err()
	if err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without the password: %v, want NOAUTH", err)
	}
	if !strings.HasPrefix(b.redis.Addr(), "127.0.0.1:") {
		t.Errorf("it listens at %s, want the loopback interface", b.redis.Addr())
	}
}
