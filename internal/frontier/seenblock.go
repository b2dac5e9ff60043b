package frontier

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"slices"
	"sort"
	"strconv"
)

// This file has the forms of a spilled bucket of seen: the block of its fingerprints, which is a
// part of an object, and its filter, which Redis keeps (lua/seen.lua).

// mostSeen is the most fingerprints of a block.
const mostSeen = 8192

// seenMember is the size of a fingerprint in a block.
const seenMember = 8

// packSeen returns the block of fingerprints. It sorts them.
//
//	number of fingerprints (2 bytes, big-endian)
//	the first bytes of the SHA-1 of the rest
//	the fingerprints (8 bytes each, big-endian, sorted without their sign)
func packSeen(fps []int64) string {
	slices.SortFunc(fps, func(a, b int64) int {
		switch {
		case uint64(a) < uint64(b):
			return -1
		case uint64(a) > uint64(b):
			return 1
		}
		return 0
	})
	b := make([]byte, sealedName, sealedName+seenMember*len(fps))
	for _, fp := range fps {
		b = binary.BigEndian.AppendUint64(b, uint64(fp))
	}
	binary.BigEndian.PutUint16(b, uint16(len(fps)))
	sum := sha1.Sum(b[sealedName:])
	copy(b[sealedCount:], sum[:sealedSum])
	return string(b)
}

// seenBlock is a block that packSeen wrote.
type seenBlock string

var errSeenBlock = errors.New("it does not have the fingerprints of a bucket")

// parseSeen returns a block whose sum was checked.
func parseSeen(block string) (seenBlock, error) {
	if n := len(block) - sealedName; n <= 0 || n != seenMember*waitingIn(block) {
		return "", errSeenBlock
	}
	return seenBlock(block), nil
}

func (b seenBlock) len() int { return (len(b) - sealedName) / seenMember }

// at returns a fingerprint of the block.
func (b seenBlock) at(i int) uint64 {
	from := sealedName + seenMember*i
	var v uint64
	for _, c := range []byte(b[from : from+seenMember]) {
		v = v<<8 | uint64(c)
	}
	return v
}

// has reports whether the block has a fingerprint.
func (b seenBlock) has(fp int64) bool {
	i := sort.Search(b.len(), func(i int) bool { return b.at(i) >= uint64(fp) })
	return i < b.len() && b.at(i) == uint64(fp)
}

// all returns the fingerprints of the block.
func (b seenBlock) all() []int64 {
	fps := make([]int64, b.len())
	for i := range fps {
		fps[i] = int64(b.at(i))
	}
	return fps
}

// packFilter returns the filter of a bucket whose fingerprints are in the block of a reference.
func packFilter(r reference, fps []int64) string {
	packed := r.pack()
	b := append([]byte{byte(len(packed))}, packed...)
	for _, fp := range fps {
		b = binary.BigEndian.AppendUint16(b, pairOf(strconv.FormatInt(fp, 10)))
	}
	return string(b)
}

// referenceIn returns the reference of a filter.
func referenceIn(filter string) string {
	if filter == "" {
		return ""
	}
	return filter[1:min(len(filter), 1+int(filter[0]))]
}

// How many characters at the end of a fingerprint's text decide its bucket, and how many in front of
// these decide what filters have of it.
const (
	hashDigits = 9
	pairDigits = 5
)

// pairOf returns what filters have of a fingerprint, as pair_of in lua/seen.lua does.
func pairOf(fp string) uint16 {
	behind := max(0, len(fp)-hashDigits)
	n, _ := strconv.Atoi(fp[max(0, behind-pairDigits):behind]) // 0 if it is only a sign
	return uint16(n)
}

// bucketIn returns to which of n buckets of its group a fingerprint belongs, as bucket_in in
// lua/seen.lua does.
func bucketIn(n int, fp string) int {
	if n <= 1 {
		return 0
	}
	modulus := 1
	for modulus < n {
		modulus *= 2
	}
	hash, weight := 0, 1
	for _, c := range []byte(fp[max(0, len(fp)-hashDigits):]) {
		hash += int(c) * weight
		weight *= 10
	}
	bucket := hash % modulus
	if bucket >= n {
		bucket -= modulus / 2
	}
	return bucket
}

// bucketName returns the end of the key of a bucket of a group.
func bucketName(group, bucket int) string {
	if bucket == 0 {
		return strconv.Itoa(group)
	}
	return strconv.Itoa(group) + ":" + strconv.Itoa(bucket)
}
