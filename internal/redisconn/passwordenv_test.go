package redisconn

import (
	"strings"
	"testing"
)

func TestThePasswordOfRedisCanBeInTheEnvironment(t *testing.T) {
	t.Setenv("TRAWL_TEST_REDIS_PASSWORD", "hunter2")
	for _, url := range []string{"redis://a.test?password_env=TRAWL_TEST_REDIS_PASSWORD",
		"redis+cluster://ann:@a.test?password_env=TRAWL_TEST_REDIS_PASSWORD"} {
		e, err := ParseEndpoint(url)
		if err != nil {
			t.Fatal(err)
		}
		if e.opt().Password != "hunter2" || strings.Contains(e.String(), "hunter2") {
			t.Errorf("%s is read as %s with the password %q", url, e, e.opt().Password)
		}
	}
	for url, says := range map[string]string{
		"redis://a.test?password_env=TRAWL_TEST_NOSUCH":                                     "TRAWL_TEST_NOSUCH",
		"redis://:hunter2@a.test?password_env=TRAWL_TEST_REDIS_PASSWORD":                    "leave one of them out",
		"redis://a.test?password_file=/etc/hostname&password_env=TRAWL_TEST_REDIS_PASSWORD": "leave one of them out",
	} {
		if _, err := ParseEndpoint(url); err == nil || !strings.Contains(err.Error(), says) ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %q", url, err, says)
		}
	}
}
