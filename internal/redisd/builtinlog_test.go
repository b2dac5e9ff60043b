package redisd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// open starts a built-in Redis that keeps its data in dir.
func open(t *testing.T, dir string) *Builtin { return openAt(t, dir, rewriteSize) }

// openAt does too, with another size at which the log is rewritten.
func openAt(t *testing.T, dir string, rewriteAt int64) *Builtin {
	t.Helper()
	b, err := openBuiltin(t.Context(), BuiltinConfig{Dir: dir}, rewriteAt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *Builtin) mustStop(t *testing.T) {
	t.Helper()
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
}

// now returns the data that a server has, as a dump.
func (b *Builtin) now(t *testing.T) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	dump, err := b.dump()
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

// loaded returns the data in a log as a dump. No time passes for it.
func loaded(t *testing.T, log []byte) (dump string, err error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, logName), log, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := newBuiltin(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.redis.Close()
	if err := b.load(BuiltinConfig{Dir: dir}); err != nil {
		return "", err
	}
	defer b.commands.close()
	return b.dump()
}

func mustLoad(t *testing.T, log []byte) string {
	t.Helper()
	dump, err := loaded(t, log)
	if err != nil {
		t.Fatal(err)
	}
	return dump
}

func readLog(t *testing.T, dir string) []byte {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, logName))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// same checks that a log holds what its server holds.
func same(t *testing.T, b *Builtin, dir string) {
	t.Helper()
	b.mu.Lock() // nothing may change between the two
	log := readLog(t, dir)
	want, err := b.dump()
	b.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if got := mustLoad(t, log); got != want {
		t.Fatalf("the log differs from the server: %s", difference(got, want))
	}
}

// play is a random sequence of commands over a few keys, so that they meet one another's
// types and deadlines.
type play struct {
	*rand.Rand
	deadlines bool // among them short ones
}

func (p play) key() string    { return fmt.Sprintf("k%d", p.IntN(24)) }
func (p play) member() string { return fmt.Sprintf("m%d", p.IntN(12)) }
func (p play) number() int    { return p.IntN(9) - 3 }
func (p play) value() string {
	if p.IntN(4) == 0 {
		return fmt.Sprint(p.number())
	}
	return strings.Repeat("\x00é\n\"", p.IntN(40)) + p.member()
}

// milliseconds is how long a key may live.
func (p play) milliseconds() int {
	if p.deadlines && p.IntN(2) == 0 {
		return 1 + p.IntN(40)
	}
	return 100_000 + p.IntN(1_000_000)
}

// arguments returns random arguments of a command that changes data.
func (p play) arguments(t *testing.T, name string) []any {
	switch name {
	case "APPEND", "GETSET", "LPUSHX", "RPUSHX", "SETNX":
		return []any{p.key(), p.value()}
	case "DECR", "INCR", "GETDEL", "PERSIST":
		return []any{p.key()}
	case "DECRBY", "INCRBY":
		return []any{p.key(), p.number()}
	case "DEL", "UNLINK":
		return []any{p.key(), p.key()}[:1+p.IntN(2)]
	case "EXPIRE":
		return []any{p.key(), p.milliseconds() / 1000, "NX"}[:2+p.IntN(2)]
	case "PEXPIRE":
		return []any{p.key(), p.milliseconds(), "XX"}[:2+p.IntN(2)]
	case "EXPIREAT":
		return []any{p.key(), time.Now().Unix() + int64(p.milliseconds()/1000)}
	case "PEXPIREAT":
		return []any{p.key(), time.Now().UnixMilli() + int64(p.milliseconds())}
	case "FLUSHALL", "FLUSHDB":
		return nil
	case "HDEL":
		return []any{p.key(), p.member(), p.member()}
	case "HINCRBY":
		return []any{p.key(), p.member(), p.number()}
	case "HSET", "HMSET":
		return []any{p.key(), p.member(), p.value(), p.member(), p.number()}
	case "HSETNX":
		return []any{p.key(), p.member(), p.value()}
	case "LINSERT":
		return []any{p.key(), []string{"BEFORE", "AFTER"}[p.IntN(2)], p.member(), p.value()}
	case "LMOVE":
		return []any{p.key(), p.key(), []string{"LEFT", "RIGHT"}[p.IntN(2)], []string{"LEFT", "RIGHT"}[p.IntN(2)]}
	case "LPOP", "RPOP":
		return []any{p.key(), 1 + p.IntN(2)}[:1+p.IntN(2)]
	case "LPUSH", "RPUSH", "SADD":
		return []any{p.key(), p.member(), p.member(), p.value()}
	case "SREM":
		return []any{p.key(), p.member(), p.member()}
	case "LREM":
		return []any{p.key(), p.number(), p.member()}
	case "LSET":
		return []any{p.key(), 0, p.value()}
	case "LTRIM":
		return []any{p.key(), p.IntN(2), -1 - p.IntN(2)}
	case "MSET", "MSETNX":
		return []any{p.key(), p.value(), p.key(), p.number()}
	case "SETEX":
		return []any{p.key(), 1 + p.milliseconds()/1000, p.value()}
	case "PSETEX":
		return []any{p.key(), p.milliseconds(), p.value()}
	case "COPY":
		return []any{p.key(), p.key(), "DB", "0"}[:2+2*p.IntN(2)]
	case "RENAME", "RENAMENX", "RPOPLPUSH":
		return []any{p.key(), p.key()}
	case "SET":
		options := [][]any{{}, {"NX"}, {"XX", "GET"}, {"PX", p.milliseconds()}, {"EX", 100, "NX"}, {"KEEPTTL"}}
		return append([]any{p.key(), p.value()}, options[p.IntN(len(options))]...)
	case "SETRANGE":
		return []any{p.key(), p.IntN(20), p.value()}
	case "SMOVE":
		return []any{p.key(), p.key(), p.member()}
	case "ZADD":
		options := [][]any{{}, {"NX"}, {"XX", "CH"}, {"GT"}}
		return append(append([]any{p.key()}, options[p.IntN(len(options))]...), p.Float64()*1e6, p.member(), p.number(),
			p.member())
	case "ZINCRBY":
		return []any{p.key(), p.Float64(), p.member()}
	case "ZPOPMAX", "ZPOPMIN":
		return []any{p.key(), 1}[:1+p.IntN(2)]
	case "ZREM":
		return []any{p.key(), p.member(), p.member()}
	case "ZREMRANGEBYLEX":
		return []any{p.key(), "[m1", "(m2"}
	case "ZREMRANGEBYRANK":
		return []any{p.key(), 0, p.IntN(2)}
	case "ZREMRANGEBYSCORE":
		return []any{p.key(), "-inf", p.number()}
	}
	t.Fatalf("the test knows no arguments of %s", name)
	return nil
}

// script calls random commands, some of which fail, reads the clock, and may fail itself.
func (p play) script(t *testing.T, names []string) (script string, args []any) {
	var text strings.Builder
	fmt.Fprintf(&text, "local t = redis.call('TIME')\nredis.pcall('HSET', '%s', 'time', t[1] .. t[2])\n", p.key())
	for range 1 + p.IntN(5) {
		name := names[p.IntN(len(names))]
		fmt.Fprintf(&text, "redis.%s('%s'", []string{"call", "pcall"}[p.IntN(2)], strings.ToLower(name))
		for _, arg := range p.arguments(t, name) {
			args = append(args, arg)
			fmt.Fprintf(&text, ", ARGV[%d]", len(args))
		}
		text.WriteString(")\n")
	}
	text.WriteString("return redis.call('PTTL', 'k1')\n")
	return text.String(), args
}

// everyWrite lists the commands that change data, but for those that would leave nothing.
func everyWrite() (names []string) {
	for name, e := range effects {
		if e == writes && !strings.HasPrefix(name, "FLUSH") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// run sends random commands, and returns how many of each succeeded.
func (p play) run(t *testing.T, c *redis.Client, commands int) map[string]int {
	t.Helper()
	names, succeeded := everyWrite(), make(map[string]int)
	for range commands {
		var err error
		name := names[p.IntN(len(names))]
		switch p.IntN(40) {
		case 0, 1, 2, 3, 4, 5, 6, 7, 8, 9:
			script, args := p.script(t, names)
			name, err = "EVAL", c.Eval(t.Context(), script, nil, args...).Err()
		case 10:
			name = []string{"FLUSHALL", "FLUSHDB"}[p.IntN(2)]
			if p.IntN(20) > 0 {
				continue
			}
			fallthrough
		default:
			err = c.Do(t.Context(), append([]any{name}, p.arguments(t, name)...)...).Err()
		}
		switch reply := redis.Error(nil); {
		case err == nil || errors.Is(err, redis.Nil):
			succeeded[name]++
		case !errors.As(err, &reply):
			t.Fatal(err)
		}
	}
	return succeeded
}

func TestALogHasTheEffectOfEveryCommand(t *testing.T) {
	t.Parallel()
	const seeds = 4
	var succeeded [seeds]map[string]int
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				b := open(t, dir)
				p := play{Rand: rand.New(rand.NewPCG(seed, 17)), deadlines: seed%2 == 1}
				succeeded[seed] = p.run(t, connect(t, b.URL()), 4000)
				same(t, b, dir)
				b.mustStop(t)
			})
		}
	})
	for _, name := range append(everyWrite(), "EVAL") {
		if !slices.ContainsFunc(succeeded[:], func(n map[string]int) bool { return n[name] > 0 }) {
			t.Errorf("%s never succeeded", name)
		}
	}
}

func TestALogHasTheEffectsOfClientsThatWriteAtOnceWhileItIsRewritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openAt(t, dir, 1<<10)
	c := connect(t, b.URL())
	var clients sync.WaitGroup
	for seed := range uint64(4) {
		clients.Go(func() { play{rand.New(rand.NewPCG(seed, 18)), true}.run(t, c, 800) })
	}
	written := make(chan struct{})
	go func() { clients.Wait(); close(written) }()
	b.upkeep.Lock()
	rewritten := 0
	for done := false; !done; {
		_, next, err := b.beginRewriting(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-written:
			done = true
		default:
		}
		if next == nil {
			continue
		}
		same(t, b, dir) // the old log, while the new one waits
		if err := b.endRewriting(next.Sync()); err != nil {
			t.Fatal(err)
		}
		rewritten++
	}
	b.upkeep.Unlock()
	same(t, b, dir)
	b.mustStop(t)
	if rewritten < 2 {
		t.Errorf("the log was rewritten %d times, want some", rewritten)
	}
	if _, err := os.Stat(newLog(filepath.Join(dir, logName))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the next log is left: %v", err)
	}
}

func TestALogIsBoundedByItsSnapshots(t *testing.T) {
	t.Parallel()
	const least = 64 << 10
	dir := t.TempDir()
	b := openAt(t, dir, least)
	c := connect(t, b.URL())
	value, most := strings.Repeat("x", 1<<10), int64(0)
	for i := range 3000 { // 3 MB, of which 100 KB last
		if err := c.Set(t.Context(), fmt.Sprint(i%100), value, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			b.rewriteIfGrown()
			most = max(most, b.commands.size)
		}
	}
	same(t, b, dir)
	b.mustStop(t)
	if limit := int64(growth*110<<10 + 20<<10); most > limit {
		t.Errorf("the log had %d bytes, want at most %d", most, limit)
	}
}

func TestATornRecordAtTheEndIsCutOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	c := connect(t, b.URL())
	for i := range 20 {
		if err := c.HSet(t.Context(), "fish", fmt.Sprint(i), "caught").Err(); err != nil {
			t.Fatal(err)
		}
	}
	before, log := b.now(t), readLog(t, dir)
	script := `redis.call('SET', 'bream', 'caught') redis.call('RPUSH', 'roach', 'a', 'b') return redis.call('DEL', 'fish')`
	if err := c.Eval(t.Context(), script, nil).Err(); err != nil {
		t.Fatal(err)
	}
	after, whole := b.now(t), readLog(t, dir)
	b.mustStop(t)
	for size := len(log); size < len(whole); size++ {
		if got := mustLoad(t, whole[:size]); got != before {
			t.Fatalf("cut to %d of %d bytes, the data is\n%s\nwant\n%s", size, len(whole), got, before)
		}
		if got := mustLoad(t, append(slices.Clone(whole[:size]),
			make([]byte, len(whole)-size)...)); size < len(whole)-1 && got != before {
			t.Fatalf("with zeros after %d of %d bytes, the data is\n%s\nwant\n%s", size, len(whole), got, before)
		}
	}
	if got := mustLoad(t, append(slices.Clone(whole), make([]byte, 5000)...)); got != after {
		t.Errorf("with zeros at the end, the data is\n%s\nwant\n%s", got, after)
	}
	for size := range len(logHeader) {
		if got := mustLoad(t, whole[:size]); got != "" {
			t.Errorf("cut to %d bytes, the data is\n%s\nwant none", size, got)
		}
	}
}

func TestATornLogGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	for i := range 3 {
		if err := connect(t, b.URL()).RPush(t.Context(), "fish", i).Err(); err != nil {
			t.Fatal(err)
		}
	}
	b.mustStop(t)
	log := readLog(t, dir)
	if err := os.WriteFile(filepath.Join(dir, logName), log[:len(log)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir)
	if err := connect(t, b.URL()).RPush(t.Context(), "fish", "more").Err(); err != nil {
		t.Fatal(err)
	}
	same(t, b, dir)
	b.mustStop(t)
	if got, want := mustLoad(t, readLog(t, dir)), `["RPUSH" "fish" "0" "1" "more"]`+"\n"; got != want {
		t.Errorf("the data is %s, want %s", got, want)
	}
}

func TestALogThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	var r record
	log := []byte(logHeader)
	for i := range 3 {
		r.reset(time.Now())
		r.add("RPUSH", "fish", fmt.Sprint(i))
		log = append(log, r.seal()...)
	}
	flip := func(at int) []byte {
		damaged := slices.Clone(log)
		damaged[at] ^= 1
		return damaged
	}
	malformed := func(words ...byte) []byte {
		r.reset(time.Now())
		return append(slices.Clone(log), record(append(r, words...)).seal()...)
	}
	for name, c := range map[string]struct {
		log  []byte
		want string
	}{
		"a later format": {
			[]byte(strings.Replace(string(log), "log 1", "log 2", 1)),
			`its format is "2", and this version of trawl reads "1"`,
		},
		"another file": {[]byte("<html>\nno log"), `it begins with "<html>"`},
		"a bit in the middle": {
			flip(len(logHeader) + recordHead + 12), fmt.Sprintf("damaged at byte %d of %d", len(logHeader), len(log)),
		},
		"more words than there":   {malformed(9, 1, 'x'), "malformed"},
		"a word that is too long": {malformed(1, 200, 1, 'x'), "malformed"},
		"no words":                {malformed(0), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := loaded(t, c.log); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
	if got := mustLoad(t, flip(len(log)-1)); strings.Count(got, `"0" "1"]`) != 1 {
		t.Errorf("with a bit wrong in the last record, the data is %s, want the rest", got)
	}
}

func TestDeadlinesOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	c := connect(t, b.URL())
	ctx := t.Context()
	c.Set(ctx, "kept", "x", time.Minute)
	c.Do(ctx, "SET", "kept", "y", "KEEPTTL")
	c.Set(ctx, "moved", "x", time.Minute)
	c.Rename(ctx, "moved", "here")
	c.Set(ctx, "cleared", "x", 30*time.Millisecond)
	c.Set(ctx, "cleared", "y", 0)
	c.HSet(ctx, "gone", "x", "y")
	c.PExpire(ctx, "gone", 30*time.Millisecond)
	b.mustStop(t)

	b = open(t, dir)
	defer b.mustStop(t)
	c = connect(t, b.URL())
	for _, key := range []string{"kept", "here"} {
		if left := c.PTTL(ctx, key).Val(); left < 30*time.Second || left > time.Minute {
			t.Errorf("%s has %v left, want a minute at most", key, left)
		}
	}
	for ticker := time.NewTicker(tick); c.Exists(ctx, "gone").Val() > 0; <-ticker.C {
	}
	if left := c.PTTL(ctx, "cleared").Val(); left != -1 {
		t.Errorf("PTTL of a key without a deadline is %v, want -1", left)
	}
	if left := c.PTTL(ctx, "gone").Val(); left != -2 {
		t.Errorf("PTTL of no key is %v, want -2", left)
	}
}

func TestAKeyIsAskedForItsDeadlineAtAnyTime(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	c := connect(t, b.URL())
	began := time.Now()
	c.Set(t.Context(), "bream", "caught", time.Minute)
	b.mu.Lock() // as if ten seconds had passed
	b.redis.SetTTL("bream", began.Add(50*time.Second).Sub(origin))
	b.mu.Unlock()
	ask := `return {redis.call('PTTL', 'bream'), redis.call('TTL', 'bream')}`
	in, err := c.Eval(t.Context(), ask, nil).Int64Slice()
	if err != nil {
		t.Fatal(err)
	}
	for name, left := range map[string]time.Duration{
		"PTTL": c.PTTL(t.Context(), "bream").Val(), "TTL": c.TTL(t.Context(), "bream").Val(),
		"PTTL in a script": time.Duration(in[0]) * time.Millisecond,
		"TTL in a script":  time.Duration(in[1]) * time.Second,
		"PEXPIRETIME":      c.PExpireTime(t.Context(), "bream").Val() - time.Duration(began.UnixNano()),
		"EXPIRETIME":       c.ExpireTime(t.Context(), "bream").Val() - time.Duration(began.UnixNano()),
	} {
		if left < 30*time.Second || left > 51*time.Second {
			t.Errorf("%s says that %v are left, want 50 s", name, left)
		}
	}
}

func TestALifeThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	c := connect(t, startBuiltin(t).URL())
	c.Set(t.Context(), "k", "v", 0)
	for _, command := range []string{
		"EXPIRE k 99999999999", "PEXPIRE k 9223372036854775807", "EXPIREAT k 9999999999", "SET k v EX 99999999999",
		"SETEX k 99999999999 v", "PEXPIREAT k 9999999999999",
	} {
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, word)
		}
		if err := c.Do(t.Context(), args...).Err(); err == nil ||
			!strings.Contains(err.Error(), "invalid expire time") {
			t.Errorf("%s: %v, want a refusal", command, err)
		}
	}
}

func TestAFolderHasOneBuiltin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	if _, err := OpenBuiltin(t.Context(), BuiltinConfig{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	b.mustStop(t)
	open(t, dir).mustStop(t)
}

func TestAFreshBuiltinHasNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	connect(t, b.URL()).Set(t.Context(), "bream", "caught", 0)
	b.mustStop(t)
	b, err := OpenBuiltin(context.Background(), BuiltinConfig{Dir: dir, Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.mustStop(t)
	if got := b.now(t); got != "" {
		t.Errorf("it has %s", got)
	}
}

func TestCommandsThatTheLogCannotRepeatAreRefused(t *testing.T) {
	t.Parallel()
	c := connect(t, startBuiltin(t).URL())
	for _, command := range []string{
		"SPOP s", "BLPOP l 0", "MULTI", "WATCH k", "XADD s * a b", "PFADD h a", "SELECT 1", "SWAPDB 0 1",
		"SET k v PXAT 99999999999999", "EXPIRE k 10 GT", "COPY k l REPLACE", "COPY k l DB 1", "HEXPIRE h 10 FIELDS 1 f",
		"INCRBYFLOAT k 1",
	} {
		words := strings.Fields(command)
		args := make([]any, len(words))
		for i, word := range words {
			args[i] = word
		}
		if err := c.Do(t.Context(), args...).Err(); err == nil ||
			!strings.HasPrefix(err.Error(), "ERR the built-in Redis ") {
			t.Errorf("%s: %v, want a refusal", command, err)
		}
		list := "'" + strings.Join(words, "', '") + "'"
		err := c.Eval(t.Context(), "return redis.call("+list+")", nil).Err()
		if err == nil || !strings.Contains(err.Error(), "the built-in Redis ") {
			t.Errorf("%s in a script: %v, want a refusal", command, err)
		}
	}
	if err := c.Do(t.Context(), "NONSENSE").Err(); err == nil || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("NONSENSE: %v", err)
	}
}

// fill replaces the file of a log by one on a disk that is full, and returns what undoes it.
func (b *Builtin) fill(t *testing.T) (free func()) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this system has no /dev/full: ", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	file := b.commands.file
	b.commands.file = full
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.commands.file = file
		full.Close()
	}
}

func TestWhileTheDiskIsFullChangesAreRefusedAndReadingWorks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := open(t, dir)
	c := redis.NewClient(&redis.Options{Addr: b.redis.Addr(), Password: b.secret, MaxRetries: -1})
	defer c.Close()
	ctx := t.Context()
	c.RPush(ctx, "fish", "bream")
	free := b.fill(t)
	for i := range 3 { // the first is done but not logged, and so not acknowledged
		if err := c.RPush(ctx, "fish", i).Err(); err == nil || !strings.HasPrefix(err.Error(), "MISCONF") {
			t.Errorf("a change is answered with %v, want MISCONF", err)
		}
		err := c.Eval(ctx, "return redis.call('RPUSH', 'fish', 'x')", nil).Err()
		if err == nil || !strings.Contains(err.Error(), "MISCONF") {
			t.Errorf("a script that changes data is answered with %v, want MISCONF", err)
		}
		if n, err := c.Eval(ctx, "return redis.call('LLEN', 'fish')", nil).Int(); err != nil || n != 2 {
			t.Errorf("a script that reads is answered with %d (%v), want 2", n, err)
		}
	}
	free()
	if err := c.RPush(ctx, "fish", "roach").Err(); err != nil {
		t.Errorf("with room again: %v", err)
	}
	same(t, b, dir)
	b.mustStop(t)
	if got, want := mustLoad(t, readLog(t, dir)), `["RPUSH" "fish" "bream" "0" "roach"]`+"\n"; got != want {
		t.Errorf("the data is %s, want %s", got, want)
	}
}

func TestARecordKeepsItsCommands(t *testing.T) {
	t.Parallel()
	var r record
	at := time.UnixMicro(1_796_000_000_123_456)
	r.reset(at)
	if !r.empty() {
		t.Error("a new record is not empty")
	}
	long := strings.Repeat("x", 1<<17)
	r.add("SET", "key", long)
	r.add("FLUSHALL")
	r.add("SET", "", "")
	sealed := bytes.Clone(r.seal())
	when, got, err := commandsOf(sealed[recordHead:])
	if !when.Equal(at) {
		t.Errorf("the time is %v, want %v", when, at)
	}
	want := [][]string{{"SET", "key", long}, {"FLUSHALL"}, {"SET", "", ""}}
	if err != nil || !slices.EqualFunc(got, want, slices.Equal[[]string]) {
		t.Errorf("the commands are %.100q (%v), want %.100q", got, err, want)
	}
}
