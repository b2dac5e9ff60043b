package frontier

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestTheFirstProcessWritesTheVersionOfTheLayout(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		if strings.HasPrefix(url, "unix") {
			url = redistest.Own(t).URL() // a Redis that no other test uses
		}
		rdb := connect(t, url)
		for _, when := range []string{"first", "again"} {
			if err := New(rdb).CheckSchema(t.Context()); err != nil {
				t.Fatalf("%s: %v", when, err)
			}
			if got := rdb.Get(t.Context(), keySchema).Val(); got != strconv.Itoa(schema) {
				t.Errorf("%s: version %q, want %d", when, got, schema)
			}
		}
	})
}

func TestJobsInAnotherLayoutAreNotChanged(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	if err := b.rdb.Set(t.Context(), keySchema, "27", 0).Err(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`this Redis has 1 jobs in a layout of version "27" (trawl:schema), but this trawl writes version %d: go on with the trawl of that version`, schema)
	if err := b.store.CheckSchema(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if got := b.rdb.Get(t.Context(), keySchema).Val(); got != "27" {
		t.Errorf("the version is now %q", got)
	}
	if err := b.store.Remove(t.Context(), b.job.Name); err != nil {
		t.Fatal(err)
	}
	if err := b.store.CheckSchema(t.Context()); err != nil {
		t.Errorf("without jobs: %v", err)
	}
	if got := b.rdb.Get(t.Context(), keySchema).Val(); got != strconv.Itoa(schema) {
		t.Errorf("without jobs: version %q, want %d", got, schema)
	}
}

func TestTheVersionOfTheLayoutIsWrittenInACluster(t *testing.T) {
	t.Parallel()
	if err := New(connect(t, clusterURL(t))).CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
}
