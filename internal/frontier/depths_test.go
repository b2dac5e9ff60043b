package frontier

import (
	"strconv"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// A member of seen is an integer of 64 bits, whose decimal text the scripts divide into a fingerprint
// of at least ten digits and a depth.
func TestAFingerprintHasRoomForItsDepth(t *testing.T) {
	t.Parallel()
	for _, d := range []depths{{}, {farthest: 3}, {farthest: 50}} {
		seen := make(map[int64]bool)
		for i := range 20_000 {
			fp := d.fingerprint("http://h.test/" + strconv.Itoa(i))
			if text := strconv.FormatInt(max(fp, -fp), 10); len(text) < 10 || seen[fp] {
				t.Errorf("with %d digits of depth, %d is a fingerprint of %d digits, seen before: %t", d.digits(), fp,
					len(text), seen[fp])
			}
			seen[fp] = true
			if got, ok := d.sighting(d.member(fp, 3)); !ok || got.Fingerprint != fp || d.kept() && got.Depth != 3 {
				t.Errorf("%s is decoded as %+v", d.member(fp, 3), got)
			}
		}
		for _, fp := range []int64{-1 << 63 / d.scale(), (1<<63 - 1) / d.scale()} {
			if _, err := strconv.ParseInt(d.member(fp, deepest), 10, 64); err != nil {
				t.Errorf("with %d digits of depth, the member is no integer of 64 bits: %v", d.digits(), err)
			}
		}
	}
}

// The fingerprints of one host use all of the 64 bits: the host's group takes none of them.
func TestAFingerprintHasAllBits(t *testing.T) {
	t.Parallel()
	ones, zeros := uint64(0), uint64(0)
	for i := range 10_000 {
		fp := uint64(depths{}.fingerprint("http://h.test/" + strconv.Itoa(i)))
		ones |= fp
		zeros |= ^fp
	}
	if ones != 1<<64-1 || zeros != 1<<64-1 {
		t.Errorf("bits that are ever set: %064b, ever clear: %064b", ones, zeros)
	}
	for _, host := range []crawler.Host{"a.test", "b.test"} {
		if group := groupOf(host); group < 0 || group >= groups {
			t.Errorf("the group of %s is %d", host, group)
		}
	}
}
