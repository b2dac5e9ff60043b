package surt

import (
	"encoding/binary"
	"math/big"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// unescape decodes percent-encodings until none is left: "%2525" becomes "%". An escape
// cannot overlap another one, so the order in which they are decoded does not matter, and
// one pass with a look back is enough.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		out = append(out, s[i])
		for n := len(out); n >= 3 && out[n-3] == '%'; n = len(out) {
			high, low := hexValue(out[n-2]), hexValue(out[n-1])
			if high < 0 || low < 0 {
				break
			}
			out = append(out[:n-3], byte(high<<4|low))
		}
	}
	return string(out)
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// escape percent-encodes what is not a visible ASCII character, and "#" and "%".
func escape(s string) string {
	const digits = "0123456789ABCDEF"
	extra := 0
	for i := range len(s) {
		if escaped(s[i]) {
			extra += 2
		}
	}
	if extra == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+extra)
	for i := range len(s) {
		if c := s[i]; escaped(c) {
			b = append(b, '%', digits[c>>4], digits[c&0xf])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func escaped(c byte) bool { return c <= ' ' || c >= 0x7f || c == '#' || c == '%' }

// Forms of IPv4 addresses.
var (
	octal   = regexp.MustCompile(`^0[0-7]*(\.[0-7]+)?(\.[0-7]+)?(\.[0-7]+)?$`)
	decimal = regexp.MustCompile(`^[1-9][0-9]*(\.[0-9]+)?(\.[0-9]+)?(\.[0-9]+)?$`)
)

// ipOf returns the IPv4 address that a host is, in its usual form. A host of digits alone
// is a number, of which the lower 32 bits count.
func ipOf(host string) (string, bool) {
	switch {
	case host == "" || host[0] < '0' || host[0] > '9':
		return "", false
	case strings.Trim(host, "0123456789") == "":
		n, ok := new(big.Int).SetString(host, 10)
		if !ok || len(host) > maxDigits {
			return "", false
		}
		return dotted(uint32(n.And(n, big.NewInt(1<<32-1)).Uint64())), true
	case octal.MatchString(host), decimal.MatchString(host):
		return addressOf(strings.Split(host, "."))
	}
	return "", false
}

// maxDigits bounds the length of a host that is a number. No name is longer.
const maxDigits = 255

// addressOf reads an address as inet_aton(3) does: the last number fills all octets that
// are left, and a number that begins with 0 is octal.
func addressOf(numbers []string) (string, bool) {
	address := uint32(0)
	for i, text := range numbers {
		base, bits := 10, 8
		if len(text) > 1 && text[0] == '0' {
			base = 8
		}
		if i == len(numbers)-1 {
			bits = 8 * (4 - i)
		}
		n, err := strconv.ParseUint(text, base, bits)
		if err != nil {
			return "", false
		}
		address |= uint32(n) << (32 - 8*i - bits)
	}
	return dotted(address), true
}

func dotted(address uint32) string {
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], address)
	return netip.AddrFrom4(octets).String()
}
