package redisconn

import (
	"strings"
	"testing"
)

func TestASentinelIsNoRedis(t *testing.T) {
	t.Parallel()
	n := node{where: "Redis at h:26379", facts: map[string]string{"redis_mode": "sentinel"}}
	if err := n.checkMode(false); err == nil || !strings.Contains(err.Error(),
		"is a Sentinel: write redis+sentinel://") {
		t.Errorf("error %v", err)
	}
}

func TestAClusterMustBeWhole(t *testing.T) {
	t.Parallel()
	n := node{where: "Redis at h:6379", facts: parseInfo("cluster_state:fail\r\ncluster_slots_ok:10923\r\n")}
	const want = "Redis at h:6379 says that its Cluster is down (cluster_state:fail, 10923 of 16384 slots are served): mend it, with redis-cli --cluster fix"
	if err := n.checkWhole(); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestAnOldRedisIsRefused(t *testing.T) {
	t.Parallel()
	for version, old := range map[string]bool{
		"2.8.24": true, "6.0.16": true, "6.1.240": true, "unknown": true,
		"6.2.0": false, "6.2.14": false, "7.0.15": false, "10.0.0": false, "255.255.255": false,
	} {
		n := node{where: "Redis at h:6379", facts: map[string]string{"redis_version": version}}
		if err := n.checkVersion(); (err != nil) != old {
			t.Errorf("version %s: %v", version, err)
		}
	}
}
