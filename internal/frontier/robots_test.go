package frontier

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// robotsStore is a store whose day can be moved, with keys that no other test uses.
type robotsStore struct {
	*testJob
	cache *RobotsCache
	day   int
}

func newRobotsStore(t *testing.T, url string) *robotsStore {
	r := &robotsStore{testJob: newTestJob(t, url, 1)}
	began := time.Now()
	r.store.now = func() time.Time { return began.AddDate(0, 0, r.day) }
	r.cache = r.store.RobotsCache()
	return r
}

// origin returns an origin of this test alone.
func (r *robotsStore) origin(name string) string {
	return "https://" + name + "." + r.job.Name + ".test"
}

func (r *robotsStore) put(name, head, text string) {
	r.t.Helper()
	r.must(r.cache.Put(r.t.Context(), r.origin(name), []byte(head+text), len(head)))
}

// has fails unless this value is known; "" stands for none.
func (r *robotsStore) has(name, want string) {
	r.t.Helper()
	got, found, err := r.cache.Get(r.t.Context(), r.origin(name))
	r.must(err)
	if string(got) != want || found != (want != "") {
		r.t.Errorf("%s: got %q, %v; want %q", name, got, found, want)
	}
}

// textKeys returns how many texts are stored that begin like this.
func (r *robotsStore) textKeys(beginning string) (n int) {
	r.t.Helper()
	keys := r.rdb.Scan(r.t.Context(), 0, keyRobotsText+"*", 1000).Iterator()
	for keys.Next(r.t.Context()) {
		if strings.HasPrefix(r.rdb.Get(r.t.Context(), keys.Val()).Val(), beginning) {
			n++
		}
	}
	r.must(keys.Err())
	return n
}

func TestEqualRobotsAreStoredOnce(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		r := newRobotsStore(t, url)
		common := r.job.Name + strings.Repeat(" Disallow: /private/", 9)
		long := strings.Repeat("very-long-name.", 8)
		r.put("a", "1", common)
		r.put("b", "22", common)
		r.put("c", "3", "")
		r.put(long, "4", common)
		r.has("a", "1"+common)
		r.has("b", "22"+common)
		r.has("c", "3")
		r.has(long, "4"+common)
		r.has("d", "")
		if n := r.textKeys(r.job.Name); n != 1 {
			t.Errorf("the text is stored %d times", n)
		}
		r.put("a", "5", common+"/")
		r.has("a", "5"+common+"/")
	})
}

func TestRobotsAreForgottenAfterTheNextDay(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		r := newRobotsStore(t, url)
		common := r.job.Name + strings.Repeat(" Disallow: /private/", 9)
		r.put("a", "1", common)
		r.day = 1
		r.has("a", "1"+common)
		r.put("a", "2", common)
		r.has("a", "2"+common)
		r.day = 3
		r.has("a", "")
		r.day = 0
		key := robotsKey(robotsDay(r.store.now()), r.origin("a"))
		if left := r.rdb.PTTL(t.Context(), key).Val(); left <= 24*time.Hour-time.Minute || left > 48*time.Hour {
			t.Errorf("%s expires in %v", key, left)
		}
	})
}

func TestRobotsThatRedisLostAreAskedForAgain(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		r := newRobotsStore(t, url)
		common := r.job.Name + strings.Repeat(" Disallow: /private/", 9)
		r.put("a", "1", common)
		keys := r.rdb.Scan(t.Context(), 0, keyRobotsText+"*", 1000).Iterator()
		for keys.Next(t.Context()) {
			if r.rdb.Get(t.Context(), keys.Val()).Val() == common {
				r.must(r.rdb.Del(t.Context(), keys.Val()).Err())
			}
		}
		r.has("a", "")
		r.put("a", "1", common)
		r.has("a", "1"+common)

		key := robotsKey(robotsDay(r.store.now()), r.origin("b"))
		r.must(r.rdb.Del(t.Context(), key).Err())
		r.must(r.rdb.Set(t.Context(), key, "garbage", 0).Err())
		r.has("b", "")
		r.put("b", "2", common)
		r.has("b", "2"+common)
	})
}
