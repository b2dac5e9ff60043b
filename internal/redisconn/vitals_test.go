package redisconn

import (
	"testing"
	"time"
)

func TestHowAServerKeepsItsDataIsTold(t *testing.T) {
	t.Parallel()
	const ok, failed = "aof_enabled:0\nrdb_last_bgsave_status:ok\n", "aof_enabled:0\nrdb_last_bgsave_status:err\n"
	for info, want := range map[string]string{
		"": "",
		"aof_enabled:1\naof_last_write_status:ok\n":  "append-only file",
		"aof_enabled:1\naof_last_write_status:err\n": "append-only file, which cannot be written",
		failed + "rdb_last_save_time:1\n":            "snapshots, the last of which failed",
		ok + "rdb_last_save_time:1796000000\n":       "snapshots, the last at 2026-11-30 00:53 UTC",
		ok + "rdb_last_save_time:0\n":                "none yet",
		ok + "rdb_last_save_time:something\n":        "snapshots",
	} {
		if got := persistenceOf(parseInfo(info)); got != want {
			t.Errorf("%q is %q, want %q", info, got, want)
		}
	}
}

func TestTheSlowestReplicaCounts(t *testing.T) {
	t.Parallel()
	facts := parseInfo("connected_slaves:2\r\nslave0:ip=127.0.0.1,port=1,state=online,offset=9,lag=1\r\n" +
		"slave1:ip=127.0.0.1,port=2,state=online,offset=5,lag=7\r\n")
	if got := lagOf(facts); got != 7*time.Second {
		t.Errorf("the replicas are %v behind, want 7s", got)
	}
	if got := lagOf(nil); got != 0 {
		t.Errorf("without replicas they are %v behind", got)
	}
	both := Vitals{Servers: 1, Replicas: 1, Lag: time.Second}.Plus(Vitals{Servers: 1, Replicas: 2, Lag: time.Minute})
	if both.Replicas != 3 || both.Lag != time.Minute {
		t.Errorf("two masters together have %+v", both)
	}
}
