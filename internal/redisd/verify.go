package redisd

import (
	"fmt"
	"strings"
	"time"
)

// Verify reads the log of a built-in Redis that was stopped, and returns an error if the log
// does not hold the data that the Redis had. It is for tests.
func (b *Builtin) Verify() error {
	again, err := newBuiltin(nil)
	if err != nil {
		return err
	}
	defer again.redis.Close()
	if err := again.load(BuiltinConfig{Dir: b.home.dir}); err != nil {
		return err
	}
	defer again.commands.close()
	got, err := again.dump()
	if err != nil {
		return err
	}
	want, err := b.dump()
	if err != nil || got == want {
		return err
	}
	return fmt.Errorf("the log differs from the data in memory: %s", difference(got, want))
}

// dump returns all data, with deadlines, as text. No command may run meanwhile.
func (b *Builtin) dump() (string, error) {
	var out strings.Builder
	err := b.snapshot(time.Unix(0, 0), func(sealed []byte) error {
		return eachRecord(sealed[recordHead:], func(_ time.Time, commands [][]string) {
			for _, words := range commands {
				fmt.Fprintf(&out, "%q\n", words)
			}
		})
	})
	return out.String(), err
}

// difference returns the first line in which two dumps differ.
func difference(got, want string) string {
	has, wants := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(has), len(wants)) {
		if has[i] != wants[i] {
			return fmt.Sprintf("line %d is %.300s, want %.300s", i+1, has[i], wants[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(has), len(wants))
}
