package redisinfo

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestWhatCommandsTook(t *testing.T) {
	t.Parallel()
	fields := Fields("# Commandstats\r\n" +
		"cmdstat_hdel:calls=10251,usec=3075,usec_per_call=0.30,rejected_calls=0,failed_calls=0\r\n" +
		"cmdstat_evalsha:calls=856,usec=171799,usec_per_call=200.70,rejected_calls=0,failed_calls=9\r\n" +
		"used_memory:1\r\n" +
		"cmdstat_config|resetstat:calls=1,usec=40,usec_per_call=40.00,rejected_calls=0,failed_calls=0\r\n")
	got, err := CommandsOf(fields)
	if err != nil {
		t.Fatal(err)
	}
	want := Commands{"evalsha": {856, 171799 * time.Microsecond}, "hdel": {10251, 3075 * time.Microsecond},
		"config resetstat": {1, 40 * time.Microsecond}}
	if !maps.Equal(got, want) || fields["used_memory"] != "1" {
		t.Errorf("got %v of %v, want %v", got, fields, want)
	}
	if names := got.Busiest(2); !slices.Equal(names, []string{"evalsha", "hdel"}) {
		t.Errorf("the busiest are %q", names)
	}
	before := maps.Clone(got)
	got.Add(Commands{"hdel": {1, time.Second}, "get": {2, time.Microsecond}})
	since := got.Since(before)
	if names := got.Busiest(9); names[0] != "hdel" || names[3] != "get" || since["hdel"] != (Command{1, time.Second}) ||
		since["evalsha"] != (Command{}) {
		t.Errorf("with more: %v; since: %v", got, since)
	}
	if got, err := CommandsOf(Fields("cmdstat_get:calls=x,usec=1\r\n")); err == nil {
		t.Errorf("calls that are no number are read as %v", got)
	}
}
